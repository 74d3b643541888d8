import { assert, assertEquals } from "@std/assert";
import {
  ConnectionLostError,
  ReplyError,
} from "../../lib/redis/redis_client.ts";
import { Script } from "../../lib/redis/script.ts";
import { RedisServer } from "../support/redis_server.ts";
import { DRIVERS, rejection, WAYS } from "./support.ts";

const PUSH = new Script(
  "push",
  "return redis.call('RPUSH', KEYS[1], ARGV[1])",
);
const OTHER = new Script(
  "other",
  "redis.call('RPUSH', KEYS[1], ARGV[1]) return 'other'",
);

Deno.test("Script knows its SHA-1", () => {
  assertEquals(
    new Script("one", "return 1").sha,
    "e0e1f9fabfc9d4800c877a703b823ac0578ff8db",
  );
});

Deno.test.each(WAYS)(
  "Script.run() gives the reply, in bytes if asked for, over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const echo = new Script("echo", "return {KEYS[1], ARGV[1], 7}");
    const bytes = new Uint8Array([0, 255]);
    for (let i = 0; i < 2; i++) {
      assertEquals(
        await echo.run(subject.client, ["key"], [bytes], { binary: true }),
        [new TextEncoder().encode("key"), bytes, 7],
      );
    }
    assertEquals(await echo.run(subject.client, ["key"], [8]), ["key", "8", 7]);
  },
);

Deno.test.each(DRIVERS)(
  "Script.run() keeps the order when the server knows no script over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const runs = Array.from(
      { length: 2_500 },
      (_, i) => (i % 3 === 2 ? OTHER : PUSH).run(client, ["list"], [i]),
    );
    await Promise.all(runs);
    assertEquals(
      await client.send("LRANGE", ["list", 0, -1]),
      Array.from({ length: 2_500 }, (_, i) => String(i)),
    );
    // One EVAL per script and pipeline at most: sources are not sent a thousand times.
    const stats = String(await client.send("INFO", ["commandstats"]));
    const evals = Number(/cmdstat_eval:calls=(\d+)/.exec(stats)?.[1]);
    assert(evals <= 6, `${evals} calls of EVAL`);
  },
);

Deno.test.each(DRIVERS)(
  "Script.run() keeps the order when the server knows one script of two over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await client.send("SCRIPT", ["LOAD", OTHER.lua]);
    const runs = Array.from(
      { length: 300 },
      (_, i) => (i % 3 === 2 ? OTHER : PUSH).run(client, ["list"], [i]),
    );
    await Promise.all(runs);
    assertEquals(
      await client.send("LRANGE", ["list", 0, -1]),
      Array.from({ length: 300 }, (_, i) => String(i)),
    );
  },
);

Deno.test.each(DRIVERS)(
  "Script.run() keeps the order over SCRIPT FLUSH in the middle over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await PUSH.run(client, ["list"], ["first"]);
    await client.send("DEL", ["list"]);
    const runs: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++) {
      if (i % 100 === 50) runs.push(client.send("SCRIPT", ["FLUSH"]));
      runs.push(PUSH.run(client, ["list"], [i]));
    }
    await Promise.all(runs);
    assertEquals(
      await client.send("LRANGE", ["list", 0, -1]),
      Array.from({ length: 300 }, (_, i) => String(i)),
    );
  },
);

Deno.test.each(DRIVERS)(
  "Script.run() keeps the order of runs asked for while others are repeated over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const runs: Promise<unknown>[] = [];
    for (let round = 0; round < 20; round++) {
      runs.push(client.send("SCRIPT", ["FLUSH"]));
      for (let i = 0; i < 5; i++) {
        runs.push(PUSH.run(client, ["list"], [round * 5 + i]));
      }
      await client.send("PING");
    }
    await Promise.all(runs);
    assertEquals(
      await client.send("LRANGE", ["list", 0, -1]),
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
  },
);

Deno.test.each(DRIVERS)(
  "Script.run() rejects with the script's own error over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const failing = new Script(
      "failing",
      "return redis.error_reply('LOST it')",
    );
    const error = await rejection(failing.run(subject.client, [], []));
    assert(error instanceof ReplyError);
    assertEquals(error.code, "LOST");
  },
);

Deno.test.each(DRIVERS)(
  "an error inside a script's reply never gives a call the reply of another over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const nested = new Script(
      "nested",
      "return {'a', redis.error_reply('INSIDE it'), 'b', 'c'}",
    );
    for (let round = 0; round < 3; round++) {
      const [before, broken, ...after] = await Promise.allSettled([
        client.send("ECHO", ["1"]),
        nested.run(client, [], []),
        client.send("ECHO", ["2"]),
        client.send("ECHO", ["3"], { resend: true }),
      ]);
      assert(broken?.status === "rejected");
      for (const [i, outcome] of [before, ...after].entries()) {
        if (outcome?.status === "rejected") {
          assert(outcome.reason instanceof ConnectionLostError);
        } else assertEquals(outcome?.value, String(i + 1));
      }
      assertEquals(await client.send("ECHO", ["4"], { resend: true }), "4");
    }
  },
);

Deno.test.each(DRIVERS)(
  "Script.run() gives a status as text over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const status = new Script("status", "return redis.status_reply('OK')");
    assertEquals(await status.run(subject.client, [], []), "OK");
  },
);
