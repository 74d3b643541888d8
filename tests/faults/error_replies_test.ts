import { assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor } from "../support/wait_for.ts";
import { Bench, Ledger } from "../e2e/support.ts";
import { assertDrained, Fleet, until } from "./support.ts";

/** Ways to make Redis answer with errors; each returns how to undo it. */
const TROUBLES: readonly {
  what: string;
  begin: (bench: Bench) => Promise<() => Promise<unknown>>;
}[] = [
  {
    what: "only reads (READONLY)",
    begin: async ({ client }) => {
      await client.send("REPLICAOF", ["127.0.0.1", "1"]);
      return () => client.send("REPLICAOF", ["NO", "ONE"]);
    },
  },
  {
    what: "has lost its master (MASTERDOWN)",
    begin: async ({ client }) => {
      await client.send("CONFIG", ["SET", "replica-serve-stale-data", "no"]);
      await client.send("REPLICAOF", ["127.0.0.1", "1"]);
      return () => client.send("REPLICAOF", ["NO", "ONE"]);
    },
  },
  {
    what: "is out of memory (OOM)",
    begin: async ({ client }) => {
      await client.send("CONFIG", ["SET", "maxmemory", "1"]);
      return () => client.send("CONFIG", ["SET", "maxmemory", "0"]);
    },
  },
  {
    what: "wants replicas (NOREPLICAS)",
    begin: async ({ client }) => {
      await client.send("CONFIG", ["SET", "min-replicas-to-write", "1"]);
      return () => client.send("CONFIG", ["SET", "min-replicas-to-write", "0"]);
    },
  },
  {
    what: "is paused for all clients",
    begin: async ({ client }) => {
      await client.send("CLIENT", ["PAUSE", 3_000, "ALL"]);
      return () => Promise.resolve();
    },
  },
  {
    what: "is paused for writes",
    begin: async ({ client }) => {
      await client.send("CLIENT", ["PAUSE", 60_000, "WRITE"]);
      return () => client.send("CLIENT", ["UNPAUSE"]);
    },
  },
];

Deno.test.each([...TROUBLES])(
  "jobs that run, wait and come while a Redis $what are each run once afterwards",
  async ({ begin }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    await using fleet = new Fleet(redis.url);
    using ledger = new Ledger();
    const gate = `${ledger.path}.gate`;
    const low = bench.queue("low");
    await low.enqueue("jobs.noteOnce", ledger.path, "running", gate);
    await low.enqueue("jobs.note", ledger.path, "waiting");
    const busy = await fleet.listening("low");
    await waitFor(() => ledger.lines().length === 1);
    const idle = await fleet.listening("other");
    const end = await begin(bench);
    await Deno.writeTextFile(gate, "");
    await until(performance.now() + 2_500);
    await end();
    await low.enqueue("jobs.note", ledger.path, "after");
    await bench.queue("other").enqueue("jobs.note", ledger.path, "other");
    await waitFor(() => ledger.lines().length >= 5, {
      message: () =>
        `all to run, ${ledger.lines()} did\n${busy.stdout}${busy.stderr}${idle.stdout}${idle.stderr}`,
    });
    assertEquals(ledger.lines().toSorted(), [
      "after",
      "began running",
      "other",
      "running",
      "waiting",
    ]);
    for (const worker of [busy, idle]) {
      worker.kill("SIGTERM");
      const { code, stderr } = await worker.ended();
      assertEquals(code, 0, stderr);
    }
    await assertDrained(bench, ["low", "other"]);
    await Deno.remove(gate);
  },
);

Deno.test("jobs are each run once after a script of somebody else has kept a Redis busy", async () => {
  await using redis = await RedisServer.start({
    args: ["--busy-reply-threshold", "100"],
  });
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const worker = await fleet.listening("low");
  await using other = new Bench(redis.url);
  await bench.client.send("PING"); // connect now: it is not possible later
  const script = other.client.send("EVAL", ["while true do end", 0])
    .catch((error: unknown) => error);
  await until(performance.now() + 2_000);
  await bench.client.send("SCRIPT", ["KILL"]);
  await script;
  const job = await bench.queue("low").enqueue(
    "jobs.note",
    ledger.path,
    "after",
  );
  assertEquals(await job.wait({ timeout: 20 }), "after");
  assertEquals(ledger.lines(), ["after"]);
  worker.kill("SIGTERM");
  assertEquals((await worker.ended()).code, 0);
});
