/** The job loop on a machine that takes the processor away at the wrong moments. */

import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers";
import { JobRecord } from "../../lib/job/record.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { JobLoop } from "../../lib/worker/job_loop.ts";

/** Numbers from 0 to below 1 that are the same each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Holds the thread up, as a busy machine does. */
function stall(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Stand-ins for Redis and the jobs, in which the thread is held up at random. */
class Unsteady {
  readonly stopping = new AbortController();
  readonly queue: number[];
  readonly finished: number[] = [];
  readonly #inHand = new Set<number>();
  readonly #random: () => number;
  readonly #stalls: number;

  constructor(jobs: number, seed: number, stalls: number) {
    this.queue = Array.from({ length: jobs }, (_, i) => i);
    this.#random = seeded(seed);
    this.#stalls = stalls / jobs;
  }

  /** Resolves once a loop over this has ended, or rejects with what it is stuck with. */
  async drain(concurrency: number): Promise<string> {
    const loop = new JobLoop({
      fetcher: this,
      executor: this,
      concurrency,
      maxJobs: Infinity,
      claimsAhead: true,
      stopping: this.stopping.signal,
      onError: (_execution, error) => {
        throw error;
      },
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stuck = new Promise<never>((_, reject) => {
      const state = () =>
        `stuck with ${this.queue.length} queued, ${this.#inHand.size} in hand`;
      timer = setTimeout(() => reject(new Error(state())), 30_000);
    });
    try {
      return await Promise.race([loop.run(), stuck]);
    } finally {
      clearTimeout(timer);
    }
  }

  get hasWaited(): boolean {
    return false;
  }

  async next(wanted: number, ahead: number) {
    await this.#turn();
    if (this.stopping.signal.aborted) return "stopped" as const;
    return this.queue.length === 0 ? "empty" : this.#pop(wanted + ahead);
  }

  async ahead(ahead: number) {
    await this.#turn();
    return this.#pop(ahead);
  }

  accept({ id }: Execution): void {
    this.#inHand.add(Number(id));
    this.#mayStall();
  }

  /** See `Executor.run`. */
  async run({ id }: Execution) {
    await this.#turn();
    this.finished.push(Number(id));
    const record = async () => {
      await this.#turn();
      this.#inHand.delete(Number(id));
    };
    return { record };
  }

  async giveBack({ id }: Execution): Promise<void> {
    this.queue.unshift(Number(id));
    await this.#turn();
    this.#inHand.delete(Number(id));
  }

  /** Nothing may be in hand once the loop has ended. */
  get inHand(): readonly number[] {
    return [...this.#inHand];
  }

  async #turn(): Promise<void> {
    this.#mayStall();
    if (this.#random() < 0.5) await new Promise((go) => setImmediate(go));
    this.#mayStall();
  }

  #mayStall(): void {
    if (this.#random() < this.#stalls) stall(60 + 60 * this.#random());
  }

  #pop(most: number): Execution[] {
    this.#mayStall();
    return this.queue.splice(0, most).map((number) => ({
      id: String(number),
      queue: "q",
      job: new JobRecord(String(number), new Map()),
    }));
  }
}

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);

for (const concurrency of [1, 4, 100]) {
  Deno.test.each(numbers(3))(
    `every job is run once, ${concurrency} at once, however the thread is held up (seed %d)`,
    async (seed) => {
      const unsteady = new Unsteady(400, seed + 1, 2);
      assertEquals(await unsteady.drain(concurrency), "empty");
      assertEquals(
        unsteady.finished.toSorted((a, b) => a - b),
        numbers(400),
      );
      assertEquals(unsteady.inHand, []);
    },
  );

  Deno.test.each(numbers(3))(
    `a loop that is told to stop ends, ${concurrency} at once, however the thread is held up (seed %d)`,
    async (seed) => {
      const unsteady = new Unsteady(400, seed + 100, 2);
      const draining = unsteady.drain(concurrency);
      while (unsteady.finished.length < 100 + 40 * seed) {
        await new Promise((go) => setImmediate(go));
      }
      unsteady.stopping.abort();
      assertEquals(await draining, "stopped");
      assertEquals(unsteady.inHand, []);
      const all = [...unsteady.finished, ...unsteady.queue];
      assertEquals(all.toSorted((a, b) => a - b), numbers(400));
    },
  );
}

Deno.test("a batch that is about to begin is not given back when the thread was held up before it", async () => {
  const stopping = new AbortController();
  const batches = [[0, 1, 2], [3, 4, 5], [6, 7, 8]];
  const finished: number[] = [];
  let returned = 0;
  const loop = new JobLoop({
    fetcher: {
      hasWaited: false,
      async next() {
        await new Promise((go) => setTimeout(go, 1));
        const batch = batches.shift();
        // Longer than a job may wait: the timer of the batch before is due in this very turn.
        if (batch !== undefined) stall(120);
        return batch?.map((number) => ({
          id: String(number),
          queue: "q",
          job: new JobRecord(String(number), new Map()),
        })) ?? "empty";
      },
      ahead: () => Promise.resolve([]),
    },
    executor: {
      accept() {},
      run({ id }) {
        finished.push(Number(id));
        return Promise.resolve({ record: () => Promise.resolve() });
      },
      giveBack() {
        returned++;
        return Promise.resolve();
      },
    },
    concurrency: 1,
    maxJobs: Infinity,
    claimsAhead: true,
    stopping: stopping.signal,
    onError: (_execution, error) => {
      throw error;
    },
  });
  assertEquals(await loop.run(), "empty");
  assertEquals(finished, numbers(9));
  assert(returned === 0, `${returned} jobs were given back`);
});
