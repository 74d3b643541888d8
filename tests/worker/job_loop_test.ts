/** What a worker has in hand: claimed, begun, given back and recorded, with stand-ins for Redis and the jobs. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { CannotStartError } from "../../lib/worker/errors.ts";
import { StartBackoff } from "../../lib/worker/start_backoff.ts";
import { JobRecord } from "../../lib/job/record.ts";
import type {
  End,
  Execution,
  SuspectMode,
  Want,
} from "../../lib/store/worker_types.ts";
import type { Fetching, NoneNow } from "../../lib/worker/fetcher.ts";
import { releasedEnd, requeuedEnd } from "../../lib/worker/ends.ts";
import type { RunEnd } from "../../lib/worker/execution.ts";
import { InHand } from "../../lib/worker/in_hand.ts";
import { JobLoop, type JobLoopOptions } from "../../lib/worker/job_loop.ts";
import { waitFor } from "../support/wait_for.ts";
import { succeeded, unstarted } from "./support.ts";

/** A queue of numbered jobs, and what a loop does with them. */
class Fake {
  readonly stopping = new AbortController();
  readonly inHand = new InHand();
  /** Numbers of the jobs in the queue. */
  readonly queue: number[];
  readonly begun: number[] = [];
  readonly recorded: number[] = [];
  readonly released: number[] = [];
  /** What the loop asked for: jobs, and prefetched ones. */
  readonly claims: [number, number][] = [];
  /** Jobs that go on until this is resolved. */
  readonly gate = Promise.withResolvers<void>();
  readonly #long: ReadonlySet<number>;
  /** How often ends were recorded, with a claim or without. */
  groups = 0;
  most = 0;
  hasWaited = false;
  readonly #running = new Set<number>();

  constructor(jobs: number, long: readonly number[] = []) {
    this.queue = Array.from({ length: jobs }, (_, i) => i);
    this.#long = new Set(long);
  }

  loop(options: Partial<JobLoopOptions> = {}): JobLoop {
    return new JobLoop({
      fetcher: this,
      executor: this,
      recorder: this,
      inHand: this.inHand,
      concurrency: 1,
      maxJobs: Infinity,
      prefetches: true,
      stopping: this.stopping.signal,
      halt: () => this.stopping.abort(),
      ...options,
    });
  }

  next(want: Want, ends: readonly End[]): Fetching {
    return { recorded: this.end(ends), jobs: this.claim(want) };
  }

  async claim(
    { jobs, prefetch = 0 }: Want,
  ): Promise<readonly Execution[] | NoneNow> {
    this.claims.push([jobs, prefetch]);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (jobs === 0) return this.#pop(prefetch);
    if (this.stopping.signal.aborted) return "stopped" as const;
    return this.queue.length === 0 ? "empty" : this.#pop(jobs + prefetch);
  }

  async run(execution: Execution): Promise<RunEnd> {
    const number = Number(execution.id);
    this.begun.push(number);
    this.#running.add(number);
    this.most = Math.max(this.most, this.#running.size);
    await (this.#long.has(number) ? this.gate.promise : undefined);
    this.#running.delete(number);
    return succeeded(execution);
  }

  notBegun(execution: Execution): End {
    return releasedEnd(execution, 0);
  }

  end(ends: readonly End[]): Promise<void>[] {
    if (ends.length > 0) this.groups++;
    return ends.map((end) => this.record(end));
  }

  record({ execution, outcome }: End): Promise<void> {
    const number = Number(execution.id);
    if (outcome === "finished") this.recorded.push(number);
    else {
      if (outcome === "released") this.released.push(number);
      this.queue.unshift(number);
    }
    return Promise.resolve();
  }

  skip(): Promise<void> {
    return Promise.resolve();
  }

  #pop(most: number): Execution[] {
    return this.queue.splice(0, most).map((number) => ({
      id: String(number),
      queue: "q",
      job: new JobRecord(String(number), new Map()),
    }));
  }
}

const ONE: Want = { jobs: 1 };

const numbers = (n: number, from = 0) =>
  Array.from({ length: n }, (_, i) => from + i);

Deno.test.each([1, 2, 10])(
  "short jobs are prefetched, and %d at once are begun in their order",
  async (concurrency) => {
    const fake = new Fake(500);
    assertEquals(await fake.loop({ concurrency }).run(), "empty");
    assertEquals(fake.begun, numbers(500));
    assertEquals(fake.inHand.size, 0);
    assertEquals(fake.recorded.toSorted((a, b) => a - b), numbers(500));
    assertEquals(fake.most, concurrency);
    assertEquals(fake.released, []);
    assert(fake.claims.length < 100, `${fake.claims.length} claims`);
    assert(fake.claims.some(([_wanted, ahead]) => ahead > 0));
    assert(fake.claims.every(([wanted, ahead]) => wanted + ahead <= 50));
  },
);

Deno.test("nothing is prefetched before it is known that jobs are short", async () => {
  const fake = new Fake(10, [0]);
  const running = fake.loop().run();
  await waitFor(() => fake.begun.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(fake.claims, [[1, 0]]);
  assertEquals(fake.queue.length, 9);
  fake.gate.resolve();
  await running;
});

Deno.test("nothing is prefetched where that is not wanted", async () => {
  const fake = new Fake(50);
  await fake.loop({ prefetches: false }).run();
  assert(fake.claims.every(([wanted, ahead]) => wanted === 1 && ahead === 0));
  assertEquals(fake.begun, numbers(50));
});

Deno.test("jobs behind one that is not short go back to the head of the queue in their order", async () => {
  const fake = new Fake(200, [60]);
  const loop = fake.loop();
  const running = loop.run();
  await waitFor(() => fake.released.length > 0);
  assertEquals(fake.begun, numbers(61));
  assertEquals(fake.queue, numbers(139, 61));
  assertEquals(loop.claimed, 61);
  // And they stay there as long as it runs.
  const claims = fake.claims.length;
  await new Promise((resolve) => setTimeout(resolve, 120));
  assertEquals(fake.claims.length, claims);
  fake.gate.resolve();
  assertEquals(await running, "empty");
  assertEquals(fake.begun, numbers(200));
});

Deno.test("what has not begun goes back at once when the worker is told to stop", async () => {
  const fake = new Fake(200, [60]);
  const running = fake.loop().run();
  await waitFor(() => fake.begun.length === 61);
  fake.stopping.abort();
  const begun = fake.begun.length;
  // What a claim that was under way has brought goes back, too.
  await waitFor(() => fake.queue.length === 200 - begun);
  assertEquals(fake.queue, numbers(200 - begun, begun));
  fake.gate.resolve();
  assertEquals(await running, "stopped");
  assertEquals(fake.begun, numbers(begun));
  assertEquals(fake.queue, numbers(200 - begun, begun));
});

Deno.test("no more jobs are claimed than are to be run altogether", async () => {
  const fake = new Fake(200);
  const loop = fake.loop({ maxJobs: 33 });
  assertEquals(await loop.run(), "max");
  assertEquals(loop.claimed, 33);
  assertEquals(fake.begun, numbers(33));
  assertEquals(fake.queue.length, 167);
});

Deno.test("a job that had to be waited for is no reason to look for more", async () => {
  const fake = new Fake(3);
  fake.hasWaited = true;
  await fake.loop().run();
  assert(fake.claims.every(([wanted]) => wanted === 1), `${fake.claims}`);
});

Deno.test("the end of a job is recorded soon, also while the next one is long", async () => {
  const fake = new Fake(40, [39]);
  const running = fake.loop().run();
  await waitFor(() => fake.begun.length === 40);
  await waitFor(() => fake.recorded.length === 39, { timeout: 1_000 });
  fake.gate.resolve();
  await running;
  assertEquals(fake.recorded.length, 40);
});

Deno.test("ends are recorded while the loop waits until a process can be started again", async () => {
  const fake = new Fake(3, [1]);
  const run = fake.run.bind(fake);
  fake.run = async (execution) => {
    const ended = await run(execution);
    return execution.id === "0" ? unstarted(execution) : ended;
  };
  // Its clock stands still, so that the pause has no end.
  const starts = new StartBackoff({ now: () => 0 });
  const loop = fake.loop({ concurrency: 2, prefetches: false, starts });
  const running = loop.run();
  await waitFor(() => fake.released.length === 1);
  fake.gate.resolve();
  await waitFor(() => fake.recorded.includes(1));
  fake.stopping.abort();
  assertEquals(await running, "stopped");
});

Deno.test("a job that could not be begun is not one of those that were run", async () => {
  const fake = new Fake(2);
  const run = fake.run.bind(fake);
  let failures = 1;
  fake.run = async (execution) =>
    failures-- > 0 ? unstarted(execution) : await run(execution);
  const loop = fake.loop({ maxJobs: 2, prefetches: false });
  assertEquals(await loop.run(), "max");
  assertEquals([loop.claimed, fake.recorded], [2, [0, 1]]);
});

Deno.test("jobs that cannot be run are put back, and the loop gives up once that is hopeless", async () => {
  const fake = new Fake(4);
  fake.run = (execution) =>
    Promise.resolve({
      hasBegun: false,
      fault: "a fault of the worker",
      end: requeuedEnd(execution),
    });
  let now = 0;
  const starts = new StartBackoff({ patience: 3_000, now: () => now += 1_500 });
  const error = await assertRejects(
    () => fake.loop({ concurrency: 4, starts }).run(),
    CannotStartError,
  );
  assertStringIncludes(error.message, "a fault of the worker");
  assertEquals(fake.inHand.size, 0);
  assertEquals(fake.queue, numbers(4));
});

Deno.test("an end that cannot be recorded ends the loop, which holds nothing then, also while a claim waits for jobs", async () => {
  const fake = new Fake(1);
  const halted = Promise.withResolvers<"stopped">();
  let claims = 0;
  fake.claim = async () => {
    if (claims++ === 0) return await Fake.prototype.claim.call(fake, ONE);
    return await halted.promise;
  };
  fake.record = () => Promise.reject(new Error("refused"));
  const loop = fake.loop({
    concurrency: 2,
    halt: () => halted.resolve("stopped"),
  });
  await assertRejects(() => loop.run(), Error, "refused");
  assertEquals(fake.inHand.size, 0);
});

Deno.test("a fetcher that fails ends the loop; what runs is recorded, what waits goes back", async () => {
  const fake = new Fake(60, [10, 11]);
  const claim = fake.claim.bind(fake);
  fake.claim = async (want) => {
    if (fake.begun.includes(11)) throw new Error("no Redis");
    return await claim(want);
  };
  const running = assertRejects(() => fake.loop().run(), Error, "no Redis");
  await waitFor(() => fake.begun.includes(10));
  fake.gate.resolve();
  await running;
  assertEquals(fake.inHand.size, 0);
  assertEquals(
    fake.queue,
    numbers(60 - fake.recorded.length, fake.recorded.length),
  );
});

Deno.test("what a cold shutdown kills goes back in the order in which it was claimed", async () => {
  const fake = new Fake(100, numbers(100));
  const gates = numbers(100).map(() => Promise.withResolvers<void>());
  fake.run = async (execution) => {
    const number = Number(execution.id);
    fake.begun.push(number);
    await gates[number]!.promise;
    return { hasBegun: false, end: requeuedEnd(execution) };
  };
  const running = fake.loop({ concurrency: 80 }).run();
  await waitFor(() => fake.begun.length === 80);
  fake.stopping.abort();
  // They end as their processes die: in any order, and not in one turn.
  for (const n of numbers(80)) {
    gates[(n * 37) % 80]!.resolve();
    if (n % 7 === 0) await new Promise((go) => setTimeout(go, 1));
  }
  assertEquals(await running, "stopped");
  assertEquals(fake.queue, numbers(100));
});

/** Execution ids of jobs that have their worker for themselves, and of others. */
const idOf = (alone: boolean, number: number) =>
  `${alone ? 1 : 2}${String(number).padStart(15, "0")}`;

Deno.test("nothing is claimed beside a job that has its worker for itself", async () => {
  const fake = new Fake(0, []);
  const alone = {
    id: idOf(true, 1),
    queue: "q",
    job: new JobRecord("s", new Map()),
  };
  const modes: unknown[] = [];
  fake.claim = ({ mode }) => {
    modes.push(mode);
    return Promise.resolve(modes.length === 1 ? [alone] : "empty");
  };
  fake.run = async (execution) => {
    fake.begun.push(0);
    await fake.gate.promise;
    return succeeded(execution);
  };
  const running = fake.loop({ concurrency: 20 }).run();
  await waitFor(() => fake.begun.length === 1);
  await new Promise((go) => setTimeout(go, 50));
  assertEquals(modes, ["free"]);
  fake.gate.resolve();
  assertEquals(await running, "empty");
  assertEquals(modes.slice(0, 2), ["free", "free"]);
});

Deno.test("a worker that meets a suspect claims nothing until its hands are free, then takes it", async () => {
  const fake = new Fake(1, [0]);
  const modes: unknown[] = [];
  const claim = fake.claim.bind(fake);
  fake.claim = async ({ mode }) => {
    modes.push(mode);
    if (modes.length === 1) return await claim(ONE);
    return mode === "free" ? "empty" : "suspect";
  };
  const running = fake.loop({ concurrency: 20 }).run();
  await waitFor(() => modes.length === 2);
  await new Promise((go) => setTimeout(go, 100));
  assertEquals(modes, ["free", "stop"]);
  // Longer than it waits for free hands: the suspect is passed over, and the queue behind it moves on.
  await waitFor(() => modes.includes("pass"));
  fake.gate.resolve();
  assertEquals(await running, "empty");
  assertEquals(modes.at(-1), "free");
});

Deno.test.each([1, 2])(
  "a worker that runs %d at once says that it takes no other only if that is one",
  async (concurrency) => {
    const fake = new Fake(3);
    const modes = new Set<SuspectMode | undefined>();
    const claim = fake.claim.bind(fake);
    fake.claim = (want) => {
      modes.add(want.mode);
      return claim(want);
    };
    await fake.loop({ concurrency, prefetches: false }).run();
    assertEquals(modes.has("only"), concurrency === 1);
  },
);

Deno.test.each([1, 10])(
  "ends of short jobs are recorded together, %d at once",
  async (concurrency) => {
    const fake = new Fake(500);
    await fake.loop({ concurrency }).run();
    assertEquals(fake.recorded.length, 500);
    assert(fake.groups < 100, `${fake.groups} groups`);
  },
);
