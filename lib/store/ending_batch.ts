/**
 * Gathers the ends of executions, so that one script call records many.
 *
 * @module
 */

import { MAX_SECONDS } from "../base/duration.ts";
import {
  CallRefusedError,
  type RedisClient,
  ReplyError,
} from "../redis/redis_client.ts";
import { texts } from "./job_store.ts";
import type { Keys } from "./keys.ts";
import { Packer } from "./pack.ts";
import { END } from "./records.ts";
import { RELEASE_BATCH } from "./release.ts";
import { dumpResult, MAX_DUMPED } from "./result_dump.ts";
import { FINISH } from "./scripts/finish.ts";
import type {
  Ending,
  EndingReply,
  Execution,
  WorkerIdentity,
} from "./worker_types.ts";

/** Most ends of one call, where one that is no success counts twice: at some 30 µs each, Redis is held for 2 ms. */
const MAX_WEIGHT = 50;
/** Bytes of results from which on a call takes no more ends: what is large goes by itself. */
const MAX_BYTES = 256 * 1024;

/** An execution and how it ended. */
interface End {
  readonly execution: Execution;
  readonly ending: Ending;
}

/** What became of one end, and from where on further dependents are to be released. */
type EndReply = readonly [EndingReply, cursor: string];

const FINISHED: EndReply = ["finished", "0"];

/** An end that waits to be sent. */
interface Waiting extends End {
  readonly settled: PromiseWithResolvers<EndReply>;
}

/** Ends that go in one call, at the latest when the present turn of the event loop is over. */
export class EndingBatch {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  #worker: WorkerIdentity | undefined;
  #state: "idle" | "busy" = "busy";
  #waiting: Waiting[] = [];
  #bytes = 0;
  #weight = 0;
  /** Ends that Redis has not answered: all of them are sent again if the connection is lost. */
  #unanswered = 0;
  /** Milliseconds from `performance.now()` to the server's time, if it is known. */
  #clockLead: number | undefined;

  /** One for each store. */
  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Takes an end. The worker is then in the state that the last end of a call says. */
  add(
    worker: WorkerIdentity,
    state: "idle" | "busy",
    end: End,
  ): Promise<EndReply> {
    const size = end.ending.payload.length;
    const weight = end.ending.outcome === "finished" ? 1 : 2;
    const full = this.#weight + weight > MAX_WEIGHT ||
      this.#bytes + size > MAX_BYTES;
    if (full || this.#worker?.name !== worker.name) this.send();
    this.#worker = worker;
    this.#state = state;
    this.#bytes += size;
    this.#weight += weight;
    const settled = Promise.withResolvers<EndReply>();
    this.#waiting.push({ ...end, settled });
    if (this.#waiting.length === 1) queueMicrotask(() => this.send());
    return settled.promise;
  }

  /** Learns what the server's clock shows now, or has shown a moment ago. */
  noteTime(serverTime: number): void {
    this.#clockLead = serverTime - performance.now();
  }

  /** Sends what there is at once. */
  send(): void {
    const waiting = this.#waiting;
    const worker = this.#worker;
    if (waiting.length === 0 || worker === undefined) return;
    this.#waiting = [];
    this.#bytes = 0;
    this.#weight = 0;
    this.#unanswered += waiting.length;
    void this.#settle(worker, waiting);
  }

  /** One end that Redis refuses spoils no other: each is then sent by itself, which changes nothing where it was taken. */
  async #settle(
    worker: WorkerIdentity,
    waiting: readonly Waiting[],
  ): Promise<void> {
    try {
      await this.#run(worker, waiting);
    } catch (error) {
      if (waiting.length === 1 || !isRefusal(error)) {
        for (const { settled } of waiting) settled.reject(error);
      } else {
        await Promise.all(waiting.map(async (end) => {
          try {
            await this.#run(worker, [end]);
          } catch (error) {
            end.settled.reject(error);
          }
        }));
      }
    } finally {
      this.#unanswered -= waiting.length;
    }
  }

  /** The server's time in milliseconds since 1970, if it is known. */
  get serverTime(): number | undefined {
    return this.#clockLead === undefined
      ? undefined
      : Math.floor(performance.now() + this.#clockLead);
  }

  async #run(
    worker: WorkerIdentity,
    waiting: readonly Waiting[],
  ): Promise<void> {
    const reply = await FINISH.run(
      this.#client,
      [this.#keys.worker(worker.name)],
      [
        this.#keys.prefix,
        worker.name,
        this.#state,
        RELEASE_BATCH,
        this.#unanswered,
        packed(waiting, this.serverTime),
      ],
      { resend: true },
    );
    if (reply === "finished") {
      for (const { settled } of waiting) settled.resolve(FINISHED);
      return;
    }
    const answers = texts(reply);
    waiting.forEach(({ settled }, i) => {
      const [answer, cursor = "0"] = answers.slice(2 * i, 2 * i + 2);
      settled.resolve([answer as EndingReply, cursor]);
    });
  }
}

/** Whether Redis has answered that it does not take the call: only one of its ends may be to blame. */
function isRefusal(error: unknown): boolean {
  return error instanceof ReplyError || error instanceof CallRefusedError;
}

/** A time to live as Redis takes it: -1 for all below 0, at most a century. */
function wholeSeconds(ttl: number): number {
  return ttl < 0 ? -1 : Math.floor(Math.min(ttl, MAX_SECONDS));
}

const packer = new Packer();

function packed(
  ends: readonly End[],
  serverTime: number | undefined,
): Uint8Array {
  packer.begin();
  for (const { execution: { id, queue, job }, ending } of ends) {
    const { outcome, ttl, payload, workedMs, beaten = true } = ending;
    const dumps = serverTime !== undefined && outcome === "finished" &&
      payload.length <= MAX_DUMPED;
    const dump = dumps ? dumpResult(payload, serverTime) : undefined;
    packer.record(END, {
      queue,
      jobId: job.id,
      execution: id,
      outcome,
      ttl: wholeSeconds(ttl),
      payload: dump?.bytes ?? payload,
      textFrom: dump?.from ?? 0,
      textTo: dump?.to ?? 0,
      hasHeartbeat: beaten ? 1 : 0,
      isChild: job.text("dependency_ids") === undefined ? 0 : 1,
      workedSeconds: workedMs / 1_000,
    });
  }
  return packer.take();
}
