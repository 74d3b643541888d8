/** How a worker finds its next job, on few and on many queues, against a real Redis. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { WorkerIdentity } from "../../lib/store/worker_types.ts";
import { Fetcher, type FetcherOptions } from "../../lib/worker/fetcher.ts";
import { InHand } from "../../lib/worker/in_hand.ts";
import { JobLog } from "../../lib/worker/job_log.ts";
import { SILENT } from "../../lib/worker/log.ts";
import { Recorder } from "../../lib/worker/recorder.ts";
import { pauseQueue, resumeQueue } from "../../lib/store/pauses.ts";
import { Bench } from "../store/support.ts";
import { waitFor } from "../support/wait_for.ts";

/** Names of queues in order of priority. */
function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `q${i}`);
}

function recorderOf(bench: Bench, identity: WorkerIdentity): Recorder {
  return new Recorder({
    store: bench.workers,
    identity,
    inHand: new InHand(),
    log: SILENT,
    jobLog: new JobLog(SILENT, true),
    stopping: new AbortController().signal,
  });
}

/** A worker's fetcher, and what it does to Redis. */
class Subject implements AsyncDisposable {
  readonly bench: Bench;
  readonly stopping = new AbortController();
  readonly errors: string[] = [];
  readonly fetcher: Fetcher;

  private constructor(
    bench: Bench,
    identity: WorkerIdentity,
    options: Partial<FetcherOptions>,
  ) {
    this.bench = bench;
    this.fetcher = new Fetcher({
      store: bench.workers,
      recorder: recorderOf(bench, identity),
      identity,
      strategy: "default",
      burst: false,
      maxIdleMs: Infinity,
      log: { ...SILENT, error: (text) => this.errors.push(text) },
      register: () => Promise.resolve(),
      stopping: this.stopping.signal,
      ...options,
    });
  }

  static async open(
    queues: readonly string[],
    options: Partial<FetcherOptions> = {},
  ): Promise<Subject> {
    const bench = await Bench.open();
    const identity = await bench.worker("w1", queues);
    await bench.send("CONFIG", "RESETSTAT");
    return new Subject(bench, identity, options);
  }

  /** The ids of the next jobs, or why there are none. */
  async next(wanted = 1): Promise<string[] | string> {
    const next = await this.fetcher.next({ jobs: wanted }).jobs;
    return typeof next === "string" ? next : next.map(({ job }) => job.id);
  }

  /** How often Redis was sent a command. */
  async calls(command: string): Promise<number> {
    const stats = String(await this.bench.send("INFO", "commandstats"));
    const [, calls] =
      new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats) ?? [];
    return Number(calls ?? 0);
  }

  /** How many connections are held in a BLMOVE. */
  async blocked(): Promise<number> {
    const info = String(await this.bench.send("INFO", "clients"));
    return Number(/blocked_clients:(\d+)/.exec(info)?.[1]);
  }

  async connections(): Promise<number> {
    const list = String(await this.bench.send("CLIENT", "LIST"));
    return list.trim().split("\n").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fetcher[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}

Deno.test.each([[1], [8], [9], [1_000]] as const)(
  "a job is found on each end of %i queues, with at most 8 connections that wait",
  async (count) => {
    const queues = names(count);
    await using subject = await Subject.open(queues);
    const { bench } = subject;
    const ends = [queues[0]!, queues.at(-1)!, queues[count >> 1]!];
    for (const [i, queue] of ends.entries()) {
      const next = subject.next();
      const waiting = Math.min(count, 8);
      await waitFor(async () => await subject.blocked() === waiting);
      await bench.add(`job-${i}`, { queue });
      assertEquals(await next, [`job-${i}`]);
    }
    assertEquals(await subject.connections(), 1 + Math.min(count, 8));
    assertEquals(subject.errors, []);
  },
);

Deno.test("the job of the queue with the highest priority comes first, whoever looks at it", async () => {
  const queues = names(20);
  await using subject = await Subject.open(queues);
  const { bench } = subject;
  for (const queue of queues.toReversed()) await bench.add(queue, { queue });
  const found = [];
  while (found.length < 20) found.push(...await subject.next());
  assertEquals(found, queues);
});

Deno.test.each(["round_robin", "random"] as const)(
  "the order %s opens no more connections than others, whichever queues come first",
  async (strategy) => {
    const queues = names(20);
    await using subject = await Subject.open(queues, { strategy });
    for (const queue of queues) {
      const next = subject.next();
      await waitFor(async () => await subject.blocked() === 8);
      await subject.bench.add(queue, { queue });
      assertEquals(await next, [queue]);
    }
    assertEquals(await subject.connections(), 9);
  },
);

Deno.test("a worker that waits on 8 queues asks for nothing meanwhile", async () => {
  const queues = names(8);
  await using subject = await Subject.open(queues, { maxIdleMs: 2_000 });
  const first = subject.next();
  await waitFor(async () => await subject.blocked() === 8);
  await subject.bench.add("first", { queue: "q7" });
  assertEquals(await first, ["first"]);
  await subject.bench.send("CONFIG", "RESETSTAT");
  assertEquals(await subject.next(), "idle");
  assertEquals(await subject.calls("exists"), 2); // of the two claims
  assertEquals(await subject.calls("blmove"), 8);
});

Deno.test.each([[1], [30]] as const)(
  "jobs on %i queues are found while the server has no room for connections that wait",
  async (count) => {
    const queues = names(count);
    await using subject = await Subject.open(queues);
    const { bench } = subject;
    await bench.send("CONFIG", "SET", "maxclients", 1);
    for (const queue of [queues[0]!, queues.at(-1)!]) {
      const before = await subject.calls("exists");
      const next = subject.next();
      // The claim, which is not to find it, and two looks.
      await waitFor(async () => await subject.calls("exists") >= before + 3);
      assertEquals(await subject.blocked(), 0);
      await bench.add(`job-${queue}`, { queue });
      assertEquals(await next, [`job-${queue}`]);
      await bench.send("DEL", `rq:job:job-${queue}`);
    }
  },
);

Deno.test.each(
  [
    ["rq:queue:q1", 3],
    ["rq:wip:q1", 3],
    ["rq:queue:q15", 20],
    ["rq:wip:q15", 20],
  ] as const,
)(
  "a string under %s is told once and neither found again and again nor in the way of a job",
  async (key, count) => {
    const queues = names(count);
    await using subject = await Subject.open(queues, { maxIdleMs: 2_500 });
    const { bench } = subject;
    const [, kind, queue = ""] = key.split(":");
    if (kind === "wip") await bench.add("stuck", { queue });
    await bench.send("SET", key, "text");
    assertEquals(await subject.next(), "idle");
    // At first, then once a second.
    const claims = await subject.calls("evalsha");
    assert(claims <= 6, `${claims} claims`);
    assertEquals(subject.errors.length, 1, subject.errors.join("\n"));
    assertStringIncludes(subject.errors[0]!, `${queue}: Skipped the queue`);
    const next = subject.next();
    await bench.add("sound", { queue: queues.at(-1)! });
    assertEquals(await next, ["sound"]);
    if (kind === "wip") assertEquals(await bench.queued(queue), ["stuck"]);
  },
);

Deno.test("a worker told to stop stops waiting, and leaves jobs where they were", async () => {
  await using subject = await Subject.open(names(20));
  const next = subject.next();
  await waitFor(async () => await subject.blocked() === 8);
  subject.stopping.abort();
  assertEquals(await next, "stopped");
  await subject.bench.add("late", { queue: "q19" });
  assertEquals(await subject.next(), "stopped");
  assertEquals(await subject.bench.queued("q19"), ["late"]);
});

Deno.test("a burst ends where nothing is left, without waiting", async () => {
  await using subject = await Subject.open(names(20), { burst: true });
  await subject.bench.add("only", { queue: "q13" });
  assertEquals(await subject.next(), ["only"]);
  assertEquals(await subject.next(), "empty");
  await subject.bench.send("SET", "rq:suspended", 1);
  assertEquals(await subject.next(), "suspended");
  assertEquals(await subject.calls("blmove"), 0);
});

Deno.test("a paused queue does not keep a worker from the others, and is looked at again within a second", async () => {
  const told: string[] = [];
  const log = { ...SILENT, info: (text: string) => void told.push(text) };
  await using subject = await Subject.open(names(3), { log });
  const { bench } = subject;
  await pauseQueue(bench, "q0", Infinity);
  await bench.add("held", { queue: "q0" });
  await bench.add("free", { queue: "q2" });
  assertEquals(await subject.next(), ["free"]);
  const next = subject.next();
  await waitFor(async () => await subject.blocked() === 2);
  assertEquals(await bench.queued("q0"), ["held"]);
  await resumeQueue(bench, "q0");
  assertEquals(await next, ["held"]);
  assertEquals(told, ["q0: Queue paused", "q0: Queue resumed"]);
});

Deno.test("a worker that waits on a queue when it is paused gives back what comes", async () => {
  await using subject = await Subject.open(names(1));
  const { bench } = subject;
  const next = subject.next();
  await waitFor(async () => await subject.blocked() === 1);
  await pauseQueue(bench, "q0", Infinity);
  await bench.add("a", { queue: "q0" });
  await bench.add("b", { queue: "q0" });
  await waitFor(async () =>
    await subject.blocked() === 0 && (await bench.queued("q0")).length === 2
  );
  assertEquals(await bench.queued("q0"), ["a", "b"]);
  await resumeQueue(bench, "q0");
  assertEquals(await next, ["a"]);
});

Deno.test("a burst leaves a paused queue, also where jobs wait for the turn of one that is on it", async () => {
  await using subject = await Subject.open(names(2), { burst: true });
  const { bench } = subject;
  for (const id of ["a", "b"]) {
    await bench.add(id, { queue: "q0", fields: { x_fair_key: "tenant" } });
  }
  await pauseQueue(bench, "q0", Infinity);
  await bench.add("free", { queue: "q1" });
  assertEquals(await subject.next(), ["free"]);
  assertEquals(await subject.next(), "empty");
});
