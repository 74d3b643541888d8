/**
 * The job loop on a thread that is held up again and again, as by other programs, a garbage collection or a pause
 * of the machine: timers are late, and events come in any order. Nothing is lost by it, and nothing stands still.
 */

import { assert, assertEquals } from "@std/assert";
import { JobRecord } from "../../lib/job/record.ts";
import {
  type End,
  type Execution,
  isPutBack,
  type Want,
} from "../../lib/store/worker_types.ts";
import type { RunEnd } from "../../lib/worker/execution.ts";
import type { Fetching, NoJob } from "../../lib/worker/fetcher.ts";
import { releasedEnd, requeuedEnd } from "../../lib/worker/ends.ts";
import { InHand } from "../../lib/worker/in_hand.ts";
import { JobLoop } from "../../lib/worker/job_loop.ts";
import { StartBackoff } from "../../lib/worker/start_backoff.ts";
import { setImmediate } from "node:timers";

/** Numbers from 0 to below 1, the same ones for a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What may go wrong beside the stalls. */
interface Troubles {
  /** The share of runs that fail through no fault of their job's. */
  readonly faults?: number;
  /** The share of claims that reject; the first of them ends the loop. */
  readonly claimFails?: number;
  /** After how many begun jobs the worker is told to stop. */
  readonly stopsAfter?: number;
}

/** A queue, and an executor of short jobs, whose every step may hold up the thread. */
class Stalling {
  readonly queue: string[];
  readonly done: string[] = [];
  readonly inHand = new InHand();
  readonly stopping = new AbortController();
  readonly hasWaited = false;
  readonly #random: () => number;
  readonly #troubles: Troubles;
  #begun = 0;
  #claims = 0;
  #executions = 0;

  constructor(jobs: number, seed: number, troubles: Troubles) {
    this.queue = Array.from({ length: jobs }, (_, i) => String(i));
    this.#random = randomOf(seed);
    this.#troubles = troubles;
  }

  loop(concurrency: number): JobLoop {
    return new JobLoop({
      fetcher: this,
      executor: this,
      recorder: this,
      inHand: this.inHand,
      concurrency,
      maxJobs: Infinity,
      prefetches: true,
      stopping: this.stopping.signal,
      halt: () => this.stopping.abort(),
      // A fault is not to make it pause here.
      starts: new NeverPausing(),
    });
  }

  next(want: Want, ends: readonly End[]): Fetching {
    return { recorded: this.end(ends), jobs: this.#jobs(want) };
  }

  async run(execution: Execution): Promise<RunEnd> {
    if (++this.#begun === this.#troubles.stopsAfter) this.stopping.abort();
    await this.#step();
    return this.#random() < (this.#troubles.faults ?? 0)
      ? { hasBegun: false, fault: "run", end: requeuedEnd(execution) }
      : { hasBegun: true, end: { ...requeuedEnd(execution), ...FINISHED } };
  }

  notBegun(execution: Execution): End {
    return releasedEnd(execution, 0);
  }

  end(ends: readonly End[]): Promise<void>[] {
    return ends.map((end) => {
      const { id } = end.execution.job;
      if (isPutBack(end)) this.queue.unshift(id);
      else this.done.push(id);
      return this.#step();
    });
  }

  skip(): Promise<void> {
    return this.#step();
  }

  async #jobs(
    { jobs, prefetch = 0 }: Want,
  ): Promise<readonly Execution[] | NoJob> {
    await this.#claim();
    if (jobs === 0) return this.#pop(prefetch);
    if (this.stopping.signal.aborted) return "stopped";
    return this.queue.length === 0 ? "empty" : this.#pop(jobs + prefetch);
  }

  async #claim(): Promise<void> {
    await this.#step();
    const fails = this.#random() < (this.#troubles.claimFails ?? 0);
    if (fails && ++this.#claims > 3) throw new Error("claim");
  }

  /** A moment, as over a socket; then the thread may stand still. */
  async #step(): Promise<void> {
    const ms = this.#random() * 2;
    await new Promise((go) => ms < 1 ? setImmediate(go) : setTimeout(go, ms));
    if (this.#random() < 0.02) hold(60 + this.#random() * 60);
  }

  #pop(most: number): Execution[] {
    return this.queue.splice(0, most).map((jobId) => ({
      id: String(this.#executions++),
      queue: "q",
      job: new JobRecord(jobId, new Map()),
    }));
  }
}

const FINISHED = { outcome: "finished", workedMs: 0.3 } as const;

class NeverPausing extends StartBackoff {
  override pauseMs(): number {
    return 0;
  }
}

/** Keeps the thread for itself. */
function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** How the loop ended; an error if it does not. */
async function ended(running: Promise<string>): Promise<string> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve("stood still"), 60_000);
  const rejected = running.catch((error: Error) => error.message);
  const how = await Promise.race([rejected, late.promise]);
  clearTimeout(timer);
  return how;
}

const CASES: readonly { what: string; troubles: Troubles; ends: string }[] = [
  { what: "nothing else goes wrong", troubles: {}, ends: "empty" },
  { what: "runs cannot be begun", troubles: { faults: 0.05 }, ends: "empty" },
  { what: "it is told to stop", troubles: { stopsAfter: 60 }, ends: "stopped" },
  { what: "claims fail", troubles: { claimFails: 0.2 }, ends: "claim" },
];

for (const concurrency of [1, 4, 100]) {
  Deno.test.each([...CASES])(
    `a held-up thread, ${concurrency} jobs at once, $what: the loop ends and holds nothing`,
    async ({ troubles, ends }) => {
      for (let seed = 1; seed <= 4; seed++) {
        const jobs = 150;
        const fake = new Stalling(jobs, seed * 7_919 + concurrency, troubles);
        const how = await ended(fake.loop(concurrency).run());
        const told = `seed ${seed}: ${how}`;
        // Few claims may be over before the one that would fail.
        assert(how === ends || (ends === "claim" && how === "empty"), told);
        assertEquals(fake.inHand.size, 0, told);
        const all = [...fake.done, ...fake.queue];
        assertEquals(all.length, jobs, told);
        assertEquals(new Set(all).size, jobs, told);
        if (ends === "empty") assertEquals(fake.queue, [], told);
      }
    },
  );
}
