import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Moment, topLines } from "../../lib/cli/top_view.ts";
import { WorkerInfo } from "../../mod.ts";
import { Bench, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testUnless } from "../support/skip.ts";
import { NO_TMUX, type Terminal } from "../support/tmux.ts";
import { onTerminal, run } from "./support.ts";

testUnless(
  NO_TMUX,
  "top shows queues, workers and what they run, live, until q",
  async () => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const waiting = bench.queue("waiting");
    await waiting.enqueue("jobs.nothing");
    await using terminal = await onTerminal("top", "--url", redis.url);
    const first = await terminal.shows(/1 queue, 1 waiting, 0 workers/);
    assertMatch(first, /^QUEUE +WAITING +RUNNING .*FINISHED$/m);
    assertMatch(first, /^waiting +1 +0 +0 +0 +0 +0 +no worker$/m);
    assertMatch(first, /^WORKER +STATE /m);
    await waiting.enqueue("jobs.nothing");
    await terminal.shows(/^waiting +2 /m);

    const args = ["low", "--url", redis.url, "--name", "w1"];
    await using _worker = await WorkerProcess.listening(args);
    await terminal.shows(/^w1 +idle +0 +0 +0\.0$/m);
    const folder = await Deno.makeTempDir();
    const job = await bench.queue("low").enqueueCall({
      func: "jobs.waits",
      args: [`${folder}/pid`, `${folder}/gate`],
      description: "runs\x1b[2J",
    });
    await terminal.shows(/^w1 +busy .*\d+s runs\\x1b\[2J$/m);
    assertMatch(await terminal.screen(), /^low +0 +1 /m);
    await bench.queue("low").pause();
    await terminal.shows(/^low .*paused$/m);
    await job.cancel();
    await Deno.remove(folder, { recursive: true });
    await terminal.shows(/^w1 +idle/m);
    await terminal.resize(60, 12);
    const small = await terminal.shows(/q: quit/);
    for (const line of small.split("\n")) assert(line.length <= 60, line);
    await terminal.type("q");
    await terminal.shows(/^ended with 0$/m);
    assert(!(await terminal.screen()).includes("QUEUE"));
  },
);

for (
  const [name, end] of [
    ["Ctrl-C", (terminal: Terminal) => terminal.type("C-c")],
    ["a signal", (terminal: Terminal) => terminal.signal("SIGTERM")],
  ] as const
) {
  testUnless(
    NO_TMUX,
    `top ends with ${name} and gives the terminal back`,
    async () => {
      await using redis = await RedisServer.start();
      await using terminal = await onTerminal("top", "--url", redis.url);
      await terminal.shows(/0 queues, 0 waiting/);
      await end(terminal);
      await terminal.shows(/^ended with 0$/m);
      assert(!(await terminal.screen()).includes("0 queues"));
    },
  );
}

Deno.test("top needs a terminal", async () => {
  const { code, stderr } = await run(["top"]);
  assertEquals(code, 2);
  assertMatch(stderr, /^It needs a terminal; info prints the same once; top/);
});

Deno.test("top cuts what is long, however long: minutes would pass if it took one letter off after the other", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const { client } = bench;
  await client.send("SADD", ["rq:workers", "rq:worker:w1"]);
  const birth = new Date().toISOString();
  const facts = ["birth", birth, "last_heartbeat", birth, "queues", "low"];
  await client.send("HSET", ["rq:worker:w1", ...facts, "state", "busy"]);
  const [worker] = await WorkerInfo.all({ connection: client });
  const jobs = (description: string): Moment["jobs"] =>
    new Map([["a", { id: "a", description, startedAt: null }]]);
  const moment: Moment = {
    at: new Date(),
    url: redis.url,
    queues: [],
    workers: [{ ...worker!, currentJobIds: ["a"] }],
    jobs: jobs("漢".repeat(500_000)),
    isSuspended: false,
    paused: new Set(),
  };
  const shown = topLines(moment, undefined, 60, 24).at(-1)!;
  assertMatch(shown.map(String).join(""), /^w1 .* 漢+…$/);
});
