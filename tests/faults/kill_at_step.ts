/** Killing a worker at each step of a job: each message of the worker's connections that names the job. */

import { Bench, Ledger } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { type Passage, ReadingProxy } from "./proxy.ts";
import { assertDrained, Fleet, kill } from "./support.ts";
import type { Job } from "../../mod.ts";

/** The id of the job. */
export const JOB = "the-job";

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

/** Enqueues the job, which writes into the ledger. */
export type Enqueue = (bench: Bench, ledger: Ledger) => Promise<Job>;

/** Looks at what has become of the job. */
export type Check = (
  ended: unknown,
  bench: Bench,
  ledger: Ledger,
) => Promise<void>;

/** Kills a worker at a step of the job, and lets another one do the rest; `false` if there is no such step. */
export async function killAtStep(
  nth: number,
  enqueue: Enqueue,
  check: Check,
): Promise<boolean> {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using fleet = new Fleet(redis.url);
  using ledger = new Ledger();
  const job = await enqueue(bench, ledger);
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
  await check(await ended, bench, ledger);
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
