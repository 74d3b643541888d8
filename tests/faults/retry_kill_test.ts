/**
 * A worker is killed at each step of a job that fails and is tried again: when it is told of its job, before it tells of
 * the end of an attempt, and after Redis has recorded that. Each failure that Redis knows of has cost one retry, and the
 * job succeeds.
 */

import { assert, assertEquals } from "@std/assert";
import { Bench, Ledger } from "../e2e/support.ts";
import { sized } from "../support/long.ts";
import { RedisServer } from "../support/redis_server.ts";
import { type Passage, ReadingProxy } from "./proxy.ts";
import { assertDrained, Fleet, kill } from "./support.ts";

const JOB = "the-job";
const RETRIES = 3;
/** How many runs of the job fail. */
const FAILURES = 2;

/** Calls back at the nth step of the job, and passes nothing on from then on. */
class Steps {
  readonly #nth: number;
  readonly #reached: () => void;
  #seen = 0;

  constructor(nth: number, reached: () => void) {
    this.#nth = nth;
    this.#reached = reached;
  }

  passage(): Passage {
    let isAnswered = true;
    return {
      sent: (text) => {
        const tells = text.includes(JOB);
        if (tells) isAnswered = false;
        return this.#passes(tells);
      },
      replied: (text) => {
        const isStep = !isAnswered || text.includes(JOB);
        isAnswered = true;
        return this.#passes(isStep);
      },
    };
  }

  #passes(isStep: boolean): boolean {
    if (isStep && ++this.#seen === this.#nth) this.#reached();
    return this.#seen < this.#nth;
  }
}

/** Kills a worker at a step of the job, and lets another one do the rest; `false` if there is no such step. */
async function killAtStep(nth: number, interval: number): Promise<boolean> {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const job = await bench.queue("low").enqueueCall({
    func: "jobs.failsInFirstRuns",
    args: [ledger.path, FAILURES],
    jobId: JOB,
    retry: { max: RETRIES, interval },
  });
  const step = Promise.withResolvers<string>();
  const steps = new Steps(nth, () => step.resolve("killed"));
  await using proxy = new ReadingProxy(redis.port, () => steps.passage());
  await using doomed = new Fleet(proxy.url);
  const worker = doomed.start("low");
  const ended = job.wait({ timeout: 60 });
  const first = await Promise.race([step.promise, ended]);
  await kill(worker);
  await expireLeases(bench);
  await fleet.listening("low", "--maintenance-interval", "1");
  assertEquals(await ended, "done");
  await assertCounted(bench, ledger);
  await assertDrained(bench, ["low"]);
  return first === "killed";
}

/** Nobody renews the leases of the worker any more, nor its turn at looking for due jobs; this does what seconds do. */
async function expireLeases({ client }: Bench): Promise<void> {
  for (const turn of await client.send("KEYS", ["rq:x_turn:*"]) as string[]) {
    await client.send("DEL", [turn]);
  }
  const members = await client.send("ZRANGE", ["rq:wip:low", 0, -1]);
  for (const member of members as string[]) {
    await client.send("ZADD", ["rq:wip:low", "XX", 1, member]);
  }
}

async function assertCounted(bench: Bench, ledger: Ledger): Promise<void> {
  const reply = await bench.client.send("XRANGE", [
    `rq:results:${JOB}`,
    "-",
    "+",
  ]);
  const entries = (reply as [string, string[]][]).map(([, flat]) => {
    const at = (name: string) => flat[flat.indexOf(name) + 1];
    return { type: at("type"), execution: at("execution_id") };
  });
  const retried = entries.filter(({ type }) => type === RETRIED).length;
  assertEquals(entries.length, retried + 1, "one success, and failures");
  const executions = entries.map(({ execution }) => execution);
  assertEquals(
    new Set(executions).size,
    entries.length,
    "each end is of another run",
  );
  const field = (name: string) => bench.field(`rq:job:${JOB}`, name);
  assertEquals(Number(await field("retries_left")), RETRIES - retried);
  const runs = ledger.lines().length;
  assert(retried <= FAILURES && runs >= FAILURES + 1, `${retried} ${runs}`);
  // Only runs whose end Redis was not told are not among the results.
  const attempts = Number(await field("x_attempts"));
  assert(runs <= attempts && attempts <= entries.length + 1, `${attempts}`);
}

/** RQ's type of the result of an attempt that was tried again. */
const RETRIED = "4";

// Where each attempt is waited for, only a part of the steps is tried in an ordinary run.
Deno.test.each([
  { interval: 0, stride: 1 },
  { interval: 1, stride: sized(3, 1) },
])(
  "a worker that is killed at any step of a job with retries each $interval s costs at most a run, and no retry",
  async ({ interval, stride }) => {
    let nth = 1;
    while (await killAtStep(nth, interval)) nth += stride;
    // told of it, tells its end, has told: for each of three runs
    assert(nth > 6, `there were only ${nth - 1} steps`);
  },
);
