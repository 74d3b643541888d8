/** Queues over every kind of connection. */

import { assertEquals, assertThrows } from "@std/assert";
import { connect as connectDbRedis } from "@db/redis";
import { Redis } from "ioredis";
import type { ConnectionOptions } from "../../lib/store/connection.ts";
import { Job } from "../../lib/queue/job.ts";
import { Queue } from "../../lib/queue/queue.ts";
import { connect } from "../../lib/redis/connect.ts";
import { Bench } from "../store/support.ts";

interface Made {
  readonly options: ConnectionOptions;
  /** Checks that the connection still works, then closes it. */
  readonly done: () => Promise<void>;
}

const NOTHING = () => Promise.resolve();

const WAYS: [string, (bench: Bench) => Promise<Made> | Made][] = [
  ["a URL as text", (bench) => ({
    options: { connection: bench.server.url },
    done: NOTHING,
  })],
  ["a URL", (bench) => ({
    options: { connection: new URL(bench.server.url) },
    done: NOTHING,
  })],
  ["a URL, by ioredis", (bench) => ({
    options: { connection: bench.server.url, driver: "ioredis" },
    done: NOTHING,
  })],
  ["a client of this library", (bench) => {
    const connection = connect(bench.server.url);
    return {
      options: { connection },
      done: async () => {
        assertEquals(await connection.send("PING"), "PONG");
        await connection.close();
      },
    };
  }],
  ["a user's ioredis client", async (bench) => {
    const client = new Redis({ port: bench.server.port, lazyConnect: true });
    client.on("error", () => undefined);
    await client.connect();
    return {
      options: { connection: client },
      done: async () => {
        assertEquals(await client.ping(), "PONG");
        const ended = new Promise((resolve) => client.once("end", resolve));
        client.disconnect();
        await ended;
      },
    };
  }],
  ["a user's @db/redis client", async (bench) => {
    const client = await connectDbRedis({
      hostname: "127.0.0.1",
      port: bench.server.port,
    });
    return {
      options: { connection: client },
      done: async () => {
        assertEquals(String(await client.sendCommand("PING")), "PONG");
        client.close();
      },
    };
  }],
];

Deno.test.each(WAYS)(
  "a queue over %s enqueues, waits and reads; closing it closes only what it made",
  async (_name, make) => {
    await using bench = await Bench.open();
    const { options, done } = await make(bench);
    const worker = await bench.worker();
    {
      await using queue = new Queue("q", options);
      const job = await queue.enqueue("f.g", "é", "x".repeat(5_000));
      const waiting = job.wait({ timeout: 10 });
      const execution = await bench.claim(worker);
      assertEquals(execution.job.call.args, ["é", "x".repeat(5_000)]);
      await bench.end(worker, execution, { payload: btoa("[1]") });
      assertEquals(await waiting, [1]);
      const fetched = await queue.fetchJob(job.id);
      assertEquals(fetched?.args, ["é", "x".repeat(5_000)]);
      assertEquals(await Job.exists(job.id, options), true);
      await using again = await Job.fetch(job.id, options);
      assertEquals(await again.result(), [1]);
    }
    await done();
  },
);

Deno.test("two queues share one connection", async () => {
  await using bench = await Bench.open();
  await using first = new Queue("a", { connection: bench.server.url });
  await using second = new Queue("b", { connection: first.connection });
  await first.enqueue("f.g");
  await second.enqueue("f.g");
  await second.close();
  assertEquals(await first.count(), 1);
});

Deno.test.each<[string, unknown]>([
  ["an object", {}],
  ["a text that is no URL", "nowhere"],
  ["another scheme", "http://127.0.0.1"],
  ["a number", 5],
])("a queue over %s is refused", (_name, connection) => {
  assertThrows(
    () => new Queue("q", { connection: connection as string }),
    TypeError,
  );
});

Deno.test.each(["REDIS_URL", "RQ_REDIS_URL", "REDIS_PORT"])(
  "a queue without a connection uses %s",
  async (variable) => {
    await using bench = await Bench.open();
    const { url, port } = bench.server;
    const names = ["REDIS_URL", "RQ_REDIS_URL", "REDIS_PORT"];
    const before = names.map((name) => Deno.env.get(name) ?? "");
    for (const name of names) Deno.env.set(name, "");
    Deno.env.set(variable, variable === "REDIS_PORT" ? `${port}` : url);
    try {
      await using queue = new Queue("q");
      await queue.enqueue("f.g");
      assertEquals((await bench.queued()).length, 1);
    } finally {
      names.forEach((name, i) => Deno.env.set(name, before[i]!));
    }
  },
);
