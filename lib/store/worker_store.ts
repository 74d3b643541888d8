/**
 * A worker's operations on Redis: registering, claiming, extending leases, recording
 * ends. Every change of a job is one script.
 *
 * @module
 */

import type { JobField } from "../job/fields.ts";
import type { RedisArg, RedisClient } from "../redis/redis_client.ts";
import { texts } from "./replies.ts";
import type {
  ClaimReply,
  End,
  EndReply,
  Execution,
  HeartbeatReply,
  NameTaken,
  PoppedJob,
  Want,
  WorkerIdentity,
  WorkerState,
} from "./worker_types.ts";
import { EndWriter } from "./end_writer.ts";
import { executionPrefix, randomWorkerDigits } from "./execution_id.ts";
import { readClaim } from "./claim_reply.ts";
import type { WorkerFields } from "./fields.ts";
import type { Keys } from "./keys.ts";
import { CLAIM } from "./scripts/claim.ts";
import { DEREGISTER } from "./scripts/deregister.ts";
import { GIVE_BACK } from "./scripts/give_back.ts";
import { HEARTBEAT } from "./scripts/heartbeat.ts";
import { PROBE } from "./scripts/probe.ts";
import { RECLAIM } from "./scripts/reclaim.ts";
import { RECORD } from "./scripts/record.ts";
import { REGISTER } from "./scripts/register.ts";
import { SET_WORKER_FIELDS } from "./scripts/set_worker_fields.ts";
import { SHOW_IDLE } from "./scripts/show_idle.ts";
import { passSome } from "./turns.ts";
import { DEAD_AFTER_SECONDS, LEASE_SECONDS } from "./lease.ts";

/** How many ids one claim may skip, such as those of deleted jobs; then it is made again. */
const MAX_SKIPPED = 100;
/**
 * How many suspects one claim may pass over, at some 4 µs each: a worker that died had no more than about a thousand jobs
 * in hand. What is behind still more of them waits for a worker with nothing in hand, which takes them one by one.
 */
const MAX_PASSED = 500;

const RESEND = { resend: true } as const;

/** See the module. */
export class WorkerStore {
  /** The connection. */
  readonly client: RedisClient;
  /** The names of the keys. */
  readonly keys: Keys;
  readonly #ends: EndWriter;
  readonly #digits = randomWorkerDigits();
  #executions = 0;
  /** The server's time minus `performance.now()`, in milliseconds, if it is known. */
  #clockLead: number | undefined;

  /** Works on one connection and under one prefix. */
  constructor(client: RedisClient, keys: Keys) {
    this.client = client;
    this.keys = keys;
    this.#ends = new EndWriter(client, keys);
  }

  /**
   * The commands that the Redis user may not call, each with the server's error.
   *
   * @throws {ReplyError} If the user may not run scripts by their source or by their hash.
   */
  async deniedCommands(): Promise<ReadonlyMap<string, string>> {
    const key = this.keys.probe(crypto.randomUUID());
    const args = [this.keys.prefix];
    // The first call sends the source, the second the hash: both have to be allowed.
    await PROBE.run(this.client, [key], args, RESEND);
    const words = texts(await PROBE.run(this.client, [key], args, RESEND));
    const denied = new Map<string, string>();
    for (let i = 0; i + 1 < words.length; i += 2) {
      denied.set(words[i]!, words[i + 1]!);
    }
    return denied;
  }

  /** Registers a worker; returns the other worker if the name is taken. */
  async register(
    worker: WorkerIdentity,
    ttl: number,
    fields: WorkerFields,
  ): Promise<NameTaken | null> {
    const reply = await REGISTER.run(
      this.client,
      [this.keys.worker(worker.name), this.keys.workers],
      [
        this.keys.prefix,
        worker.name,
        worker.instance,
        ttl,
        DEAD_AFTER_SECONDS,
        worker.queues.length,
        ...worker.queues,
        ...Object.entries(fields).flat(),
      ],
      RESEND,
    );
    const [what, hostname = "", pid = "", lastHeartbeat = ""] = texts(reply);
    return what === "taken" ? { hostname, pid, lastHeartbeat } : null;
  }

  /** Removes a worker that leaves from the sets. */
  async deregister(worker: WorkerIdentity): Promise<void> {
    await DEREGISTER.run(
      this.client,
      [this.keys.worker(worker.name), this.keys.workers],
      [this.keys.prefix, worker.name, worker.instance, ...worker.queues],
      RESEND,
    );
  }

  /**
   * Records ends and then claims, in one round trip: both calls are made synchronously, so the client sends them in one
   * pipeline, and Redis executes a pipeline in order. So a job that goes back to its queue can be claimed again at
   * once, and the worker's hash finally shows the claimed job.
   *
   * Returns a promise for each end, in the order of the list: the claim does not wait for ends that are sent again.
   */
  endAndClaim(
    worker: WorkerIdentity,
    ends: readonly End[],
    state: WorkerState,
    want: Want,
  ): {
    readonly ended: readonly Promise<EndReply>[];
    readonly claimed: Promise<ClaimReply>;
  } {
    const ended = this.end(worker, ends, state);
    return { ended, claimed: this.claim(worker, want) };
  }

  /** Records ends of executions and releases dependents. `state` is the worker's state after that. */
  end(
    worker: WorkerIdentity,
    ends: readonly End[],
    state: WorkerState,
  ): Promise<EndReply>[] {
    return this.#ends.write(worker, ends, state, this.#knownServerTime);
  }

  /** Claims the next jobs of the worker's queues. */
  async claim(worker: WorkerIdentity, want: Want): Promise<ClaimReply> {
    const { queues } = worker;
    const { jobs, prefetch = 0, popped = [], mode = "free" } = want;
    const ids = executionPrefix(this.#digits, mode === "only");
    const first = this.#executions;
    this.#executions += jobs + prefetch;
    const reply = await CLAIM.run(
      this.client,
      [
        this.keys.worker(worker.name),
        ...queues.map((queue) => this.keys.queue(queue)),
      ],
      [
        this.keys.prefix,
        worker.name,
        LEASE_SECONDS,
        mode === "pass" ? MAX_PASSED : MAX_SKIPPED,
        jobs,
        prefetch,
        ids,
        first,
        mode === "only" ? "free" : mode,
        queues.length,
        ...queues,
        ...popped.flatMap(({ queue, jobId }) => [queue, jobId]),
      ],
      { binary: true, ...RESEND },
    );
    const claim = readClaim(reply as Uint8Array) ??
      await this.#reclaim(worker, `${ids}${first}`);
    this.#clockLead = claim.serverTime - performance.now();
    return claim;
  }

  /** The jobs of a claim that was sent again, its first reply being lost. */
  async #reclaim(worker: WorkerIdentity, claim: string): Promise<ClaimReply> {
    const reply = await RECLAIM.run(
      this.client,
      [this.keys.worker(worker.name)],
      [this.keys.prefix, worker.name, claim],
      { binary: true, ...RESEND },
    );
    return readClaim(reply as Uint8Array)!;
  }

  /** Whether one of these queues has waiting jobs, or its key holds another type of value. */
  async hasJobs(
    queues: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const lists = queues.map((queue) => this.keys.queue(queue));
    const count = await this.client.send("EXISTS", lists, {
      ...RESEND,
      signal,
    });
    return Number(count) > 0;
  }

  /**
   * Gives on turns of fair keys on these queues that nobody has given on; returns how many jobs got one, and how many wait
   * while another of their key is queued.
   */
  async passTurns(
    queues: readonly string[],
  ): Promise<{ readonly passed: number; readonly waiting: number }> {
    if (queues.length === 0) return { passed: 0, waiting: 0 };
    const fair = queues.map((queue) => this.keys.fair(queue));
    const count = await this.client.send("EXISTS", fair, RESEND);
    if (Number(count) === 0) return { passed: 0, waiting: 0 };
    const all = await Promise.all(
      queues.map((queue) => passSome(this, queue)),
    );
    return all.reduce((sum, one) => ({
      passed: sum.passed + one.passed,
      waiting: sum.waiting + one.waiting,
    }));
  }

  /** The server's time in milliseconds since 1970, extrapolated from the last claim; this machine's before the first. */
  get serverTime(): number {
    return this.#knownServerTime ?? Date.now();
  }

  get #knownServerTime(): number | undefined {
    return this.#clockLead === undefined
      ? undefined
      : Math.floor(performance.now() + this.#clockLead);
  }

  /** Sends a heartbeat and extends the worker's leases. */
  async heartbeat(
    worker: WorkerIdentity,
    ttl: number,
    executions: readonly Execution[],
  ): Promise<HeartbeatReply> {
    const reply = await HEARTBEAT.run(
      this.client,
      [this.keys.worker(worker.name)],
      [
        this.keys.prefix,
        worker.name,
        worker.instance,
        ttl,
        LEASE_SECONDS,
        ...executions.flatMap(({ queue, job, id }) => [queue, job.id, id]),
      ],
      RESEND,
    );
    const [state, ...kept] = texts(reply);
    const idsOf = (answer: string) =>
      new Set(
        executions.filter((_, i) => kept[i] === answer).map(({ id }) => id),
      );
    return {
      worker: state as HeartbeatReply["worker"],
      lost: idsOf("lost"),
      stopped: idsOf("stop"),
    };
  }

  /** Puts a popped job that will not be claimed back at the head of its queue. */
  async giveBack({ queue, jobId }: PoppedJob): Promise<void> {
    await GIVE_BACK.run(
      this.client,
      [this.keys.intermediate(queue)],
      [this.keys.prefix, queue, jobId],
      RESEND,
    );
  }

  /** Writes fields of a running job; `false` if its lease is lost. */
  async record(
    { id, job }: Execution,
    fields: Readonly<Partial<Record<JobField, RedisArg>>>,
  ): Promise<boolean> {
    const reply = await RECORD.run(
      this.client,
      [this.keys.job(job.id)],
      [this.keys.prefix, job.id, id, ...Object.entries(fields).flat()],
      RESEND,
    );
    return reply === 1;
  }

  /** Shows that the worker is idle, if its hash belongs to this instance. */
  async showIdle(worker: WorkerIdentity): Promise<void> {
    await SHOW_IDLE.run(
      this.client,
      [this.keys.worker(worker.name)],
      [this.keys.prefix, worker.instance],
      RESEND,
    );
  }

  /** Writes fields of the worker's hash, if it belongs to this instance. */
  async setWorkerFields(
    worker: WorkerIdentity,
    fields: WorkerFields,
  ): Promise<void> {
    await SET_WORKER_FIELDS.run(
      this.client,
      [this.keys.worker(worker.name)],
      [this.keys.prefix, worker.instance, ...Object.entries(fields).flat()],
      RESEND,
    );
  }
}
