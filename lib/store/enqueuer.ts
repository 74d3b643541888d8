/**
 * Enqueues jobs: chooses the script, and reads its answers.
 *
 * @module
 */

import {
  DuplicateJobError,
  noSuchGroup,
  NoSuchJobError,
} from "../base/errors.ts";
import type { JobRecord } from "../job/record.ts";
import {
  CallRefusedError,
  type RedisClient,
  type RedisReply,
  ReplyError,
} from "../redis/redis_client.ts";
import type { Keys } from "./keys.ts";
import {
  type Batch,
  batchesOf,
  isPlain,
  mayResend,
  type NewJob,
  packJob,
} from "./new_job.ts";
import { ENQUEUE } from "./scripts/enqueue.ts";
import { ENQUEUE_EACH } from "./scripts/enqueue_each.ts";

/** The outcome of enqueueing a {@linkcode NewJob}. */
export interface Enqueued {
  /**
   * Whether it is on its queue, waits for other jobs, is not due yet, or waits for a slot of its rate limit; `failed` or
   * `canceled` if that is what becomes of it since a parent has ended.
   */
  readonly status: NewStatus;
  /** As stored; empty unless the job is queued. */
  readonly enqueuedAt: string;
  /** The id of a job that is there instead, such as the one that holds its unique key: then this one was not enqueued. */
  readonly existing?: string;
  /** The job as it is by now, if it has gone on within the call, as in a test that has no Redis. */
  readonly record?: JobRecord;
}

/** What a job is that was just enqueued. */
type NewStatus =
  | "queued"
  | "deferred"
  | "scheduled"
  | "rate_limited"
  | "failed"
  | "canceled";

/** What ENQUEUE_EACH replies to one job. */
export type Answer =
  | { readonly outcome: NewStatus; readonly enqueued_at: string }
  | { readonly outcome: "unknown parent"; readonly parent: string }
  | { readonly outcome: "duplicate"; readonly status: string }
  | {
    readonly outcome: "held";
    readonly id: string;
    readonly status: string;
    readonly key: string;
  }
  | { readonly outcome: "skipped" | "debounced"; readonly id: string }
  | { readonly outcome: "no group"; readonly group: string }
  | { readonly outcome: "refused"; readonly why: string };

/** The answers to jobs that share a call: one for each, or one for all. */
type Answers = Answer[] | Answer;

/** Enqueues jobs. */
export class Enqueuer {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  /** The encoded first words of calls of ENQUEUE, by queue. */
  readonly #heads = new Map<string, readonly Uint8Array[]>();

  /** One for each store. */
  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** See `JobStore.enqueue`. */
  async enqueue(job: NewJob): Promise<Enqueued> {
    const answers = await this.#send(job, packJob(job), isPlain(job));
    return enqueuedJob(answerTo(answers, 0), job);
  }

  /** See `JobStore.enqueueMany`. */
  async enqueueMany(
    jobs: readonly NewJob[],
  ): Promise<PromiseSettledResult<Enqueued>[]> {
    const settled = batchesOf(jobs).map((batch) => this.#settle(batch));
    return (await Promise.all(settled)).flat();
  }

  async #settle(
    { jobs, packed }: Batch,
  ): Promise<PromiseSettledResult<Enqueued>[]> {
    const first = jobs[0]!;
    // If an id may be taken, do not try ENQUEUE first: jobs behind it would be enqueued before the second call.
    const mayBePlain = first.isIdNew && isPlain(first);
    let answers: Answers;
    try {
      answers = await this.#send(first, packed, mayBePlain);
    } catch (reason) {
      // One of them may be too large; try each by itself.
      if (reason instanceof CallRefusedError && jobs.length > 1) {
        const alone = jobs.flatMap((job) => batchesOf([job]));
        const settled = alone.map((batch) => this.#settle(batch));
        return (await Promise.all(settled)).flat();
      }
      return jobs.map(() => ({ status: "rejected", reason }));
    }
    return jobs.map((job, i) => {
      try {
        return {
          status: "fulfilled",
          value: enqueuedJob(answerTo(answers, i), job),
        };
      } catch (reason) {
        return { status: "rejected", reason };
      }
    });
  }

  /** Sends jobs that share a call with this one: first to ENQUEUE if they may be plain, else to ENQUEUE_EACH. */
  async #send(
    job: NewJob,
    packed: Uint8Array,
    mayBePlain: boolean,
  ): Promise<Answers> {
    const options = { resend: mayResend(job) };
    if (mayBePlain) {
      const words = [...this.#head(job.queue), packed];
      const reply = await ENQUEUE.runWith(this.#client, words, options);
      if (reply !== "taken") {
        return { outcome: "queued", enqueued_at: String(reply) };
      }
    }
    const args = [this.#keys.prefix, packed];
    const reply = await ENQUEUE_EACH.run(this.#client, [], args, options);
    return answersOf(reply);
  }

  #head(queue: string): readonly Uint8Array[] {
    let head = this.#heads.get(queue);
    if (head === undefined) {
      head = ENQUEUE.head([this.#keys.queue(queue)], [this.#keys.prefix]);
      this.#heads.set(queue, head);
    }
    return head;
  }
}

function answersOf(reply: RedisReply): Answers {
  return JSON.parse(String(reply));
}

/** The answer to the `i`th job. */
function answerTo(answers: Answers, i: number): Answer {
  return Array.isArray(answers) ? answers[i]! : answers;
}

/** The outcome for a job; throws if it was not enqueued. */
export function enqueuedJob(
  answer: Answer,
  job: Pick<NewJob, "id" | "queue">,
): Enqueued {
  switch (answer.outcome) {
    case "queued":
    case "deferred":
    case "scheduled":
    case "rate_limited":
    case "failed":
    case "canceled":
      return { status: answer.outcome, enqueuedAt: answer.enqueued_at };
    case "skipped":
    case "debounced":
      return { status: "queued", enqueuedAt: "", existing: answer.id };
    case "unknown parent":
      throw new NoSuchJobError(
        `Cannot enqueue job "${job.id}": there is no job "${answer.parent}", on which it depends; it never existed, was deleted or has expired`,
        { jobId: answer.parent },
      );
    case "duplicate":
      throw new DuplicateJobError(
        `Cannot enqueue job "${job.id}": a job of this id is ${
          answer.status || "there"
        }; wait for it, delete it or choose another id`,
        { jobId: job.id },
      );
    case "held":
      throw new DuplicateJobError(
        `Cannot enqueue job "${job.id}": unique key "${answer.key}" of queue "${job.queue}" is held by job "${answer.id}", which is ${
          answer.status || "gone"
        }; wait for it, or use ifTaken "skip"`,
        { jobId: answer.id, uniqueKey: answer.key },
      );
    case "no group":
      throw noSuchGroup(answer.group);
    case "refused":
      throw new ReplyError(
        answer.why ||
          `WRONGTYPE Cannot enqueue job "${job.id}" on queue "${job.queue}": a key of the job or the queue holds another type of value`,
      );
  }
}
