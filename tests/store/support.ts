/** What the tests of the store share: a Redis with both stores on it, jobs, and a dump of all keys. */

import { assert } from "@std/assert";
import { formatDate } from "../../lib/base/date.ts";
import { encodeData } from "../../lib/job/codec.ts";
import type { JobField } from "../../lib/job/fields.ts";
import { encodeFailure, encodeResult } from "../../lib/job/result_codec.ts";
import { connect } from "../../lib/redis/connect.ts";
import type {
  RedisArg,
  RedisClient,
  RedisReply,
} from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { list, texts } from "../../lib/store/replies.ts";
import type { Enqueued } from "../../lib/store/enqueuer.ts";
import type { NewJob } from "../../lib/store/new_job.ts";
import { Keys } from "../../lib/store/keys.ts";
import { type SweepReply, SweepStore } from "../../lib/store/sweep_store.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type {
  ClaimReply,
  End,
  EndReply,
  Execution,
  PoppedJob,
  SuspectMode,
  WorkerIdentity,
  WorkerState,
} from "../../lib/store/worker_types.ts";
import { RedisServer } from "../support/redis_server.ts";

/** What {@linkcode Bench.add} may be told of a job. */
export interface AddOptions {
  readonly isIdNew?: boolean;
  readonly queue?: string;
  readonly atFront?: boolean;
  readonly ttl?: number;
  readonly due?: string;
  readonly dependsOn?: readonly string[];
  /** Also such as no program of ours writes. */
  readonly fields?: Readonly<Record<string, RedisArg>>;
}

/** The text that a test's sweep gives to abandoned jobs. */
export const ABANDONED: string = encodeFailure(
  "AbandonedJobError: lost too often",
);

/** How an execution ended. */
export type Ending = Omit<End, "execution">;

/** Records one end. */
export function endOne(
  store: WorkerStore,
  worker: WorkerIdentity,
  execution: Execution,
  ending: Ending,
  state: WorkerState = "idle",
): Promise<EndReply> {
  return store.end(worker, [{ execution, ...ending }], state)[0]!;
}

/** A Redis of its own with both stores on it. */
export class Bench implements AsyncDisposable {
  readonly server: RedisServer;
  readonly client: RedisClient;
  readonly keys: Keys;
  readonly jobs: JobStore;
  readonly workers: WorkerStore;
  readonly sweeps: SweepStore;

  private constructor(server: RedisServer, keys: Keys) {
    this.server = server;
    this.keys = keys;
    this.client = connect(server.url);
    this.jobs = new JobStore(this.client, keys);
    this.workers = new WorkerStore(this.client, keys);
    this.sweeps = new SweepStore(this.client, keys);
  }

  /** Starts it. */
  static async open(prefix = "rq:"): Promise<Bench> {
    return new Bench(await RedisServer.start(), new Keys(prefix));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.server[Symbol.asyncDispose]();
  }

  /** One command. */
  send(command: string, ...args: RedisArg[]): Promise<RedisReply> {
    return this.client.send(command, args);
  }

  /** A worker that is registered. */
  async worker(
    name = "w1",
    queues: readonly string[] = ["q"],
  ): Promise<WorkerIdentity> {
    const worker = { name, instance: `i-${name}`, queues };
    await this.workers.register(worker, 480, { hostname: "h", pid: 7 });
    return worker;
  }

  /** Puts a job on a queue. */
  add(id: string, options: AddOptions = {}): Promise<Enqueued> {
    return this.jobs.enqueue(newJob(id, options));
  }

  /** Claims one job, for a worker that has nothing else in hand. */
  async tryClaim(
    worker: WorkerIdentity,
    popped: readonly PoppedJob[] = [],
    mode: SuspectMode = "only",
  ): Promise<ClaimReply & { readonly execution: Execution | null }> {
    const reply = await this.workers.claim(worker, { jobs: 1, popped, mode });
    return { ...reply, execution: reply.executions[0] ?? null };
  }

  /** Claims, and there must be a job. */
  async claim(worker: WorkerIdentity): Promise<Execution> {
    const { kind, execution, skipped } = await this.tryClaim(worker);
    assert(execution !== null, `${kind} ${JSON.stringify(skipped)}`);
    return execution;
  }

  /** Ends an execution. */
  end(
    worker: WorkerIdentity,
    execution: Execution,
    ending: Partial<Ending> = {},
  ): Promise<EndReply> {
    return endOne(this.workers, worker, execution, {
      outcome: "finished",
      ttl: 500,
      payload: ending.outcome === "failed" || ending.outcome === "stopped"
        ? encodeFailure("Error: bad\n    at f (a.ts:1:1)")
        : encodeResult(`"done"`),
      workedMs: 12.5,
      ...ending,
    });
  }

  /** Claims the next job and ends it. */
  async run(
    worker: WorkerIdentity,
    ending: Partial<Ending> = {},
  ): Promise<string> {
    const execution = await this.claim(worker);
    await this.end(worker, execution, ending);
    return execution.job.id;
  }

  /** All passes over a queue. */
  sweep(queue = "q"): Promise<SweepReply> {
    return sweepAll(this.sweeps, queue);
  }

  /** Drops dead workers from the sets of all queues; gives their names. */
  async dropDeadWorkers(): Promise<string[]> {
    return await this.sweeps.dropDeadWorkers(await this.sweeps.queueNames());
  }

  /** Lets an execution's lease run out, as if its worker had died. */
  async expire({ id, queue, job }: Execution): Promise<void> {
    const wip = this.keys.registry("wip", queue);
    await this.send("ZADD", wip, "XX", 1, `${job.id}:${id}`);
  }

  /** Takes an execution's lease away, as a sweep or a cancel does. */
  async takeAway({ id, queue, job }: Execution): Promise<void> {
    await this.send(
      "ZREM",
      this.keys.registry("wip", queue),
      `${job.id}:${id}`,
    );
  }

  /** A field of a job's hash. */
  async field(id: string, field: string): Promise<string | null> {
    return await this.send("HGET", this.keys.job(id), field) as string | null;
  }

  /** A job's status in its hash. */
  status(id: string): Promise<string | null> {
    return this.field(id, "status");
  }

  /** The ids of a queue, head first. */
  queued(queue = "q"): Promise<string[]> {
    return this.jobs.jobIds(queue, 0, -1);
  }

  /** Members of a sorted set or a set, sorted. */
  async members(key: string): Promise<string[]> {
    const reply = await this.send("TYPE", key) === "set"
      ? await this.send("SMEMBERS", key)
      : await this.send("ZRANGE", key, 0, -1);
    return texts(reply).sort();
  }

  /** All keys, sorted. */
  async allKeys(): Promise<string[]> {
    return texts(await this.send("KEYS", "*")).sort();
  }

  /** A key's time to live in seconds; -1 for ever, -2 no such key. */
  async ttl(key: string): Promise<number> {
    return await this.send("TTL", key) as number;
  }

  /** The same without the worker's own hash. */
  async dumpOfJobs(): Promise<Record<string, string>> {
    const { "rq:worker:w1": _, ...others } = await this.dump();
    return others;
  }

  /** All keys with type, value and time to live, the clock's readings masked. */
  async dump(): Promise<Record<string, string>> {
    const dump: Record<string, string> = {};
    for (const key of await this.allKeys()) {
      const type = String(await this.send("TYPE", key));
      const value = await this.#valueOf(key, type);
      const ttl = await this.ttl(key);
      const kept = ttl < 0 ? "" : ` expires in ${Math.round(ttl / 100)} * 100`;
      dump[key] = masked(`${type} ${JSON.stringify(value)}${kept}`);
    }
    return dump;
  }

  async #valueOf(key: string, type: string): Promise<RedisReply> {
    switch (type) {
      case "hash":
        return pairs(await this.send("HGETALL", key)).sort();
      case "set":
        return texts(await this.send("SMEMBERS", key)).sort();
      case "zset":
        return pairs(await this.send("ZRANGE", key, 0, -1, "WITHSCORES"))
          .sort();
      case "list":
        return await this.send("LRANGE", key, 0, -1);
      case "stream":
        return await this.send("XRANGE", key, "-", "+");
      default:
        return await this.send("GET", key);
    }
  }
}

/** All passes over a queue. */
export async function sweepAll(
  sweeps: SweepStore,
  queue: string,
): Promise<SweepReply> {
  const reply = await sweeps.recover(queue, ABANDONED);
  await sweeps.releaseHeld();
  await sweeps.dropExpired([queue]);
  await sweeps.dropCanceled(queue);
  await sweeps.promoteDeferred(queue);
  return reply;
}

/** A job on its way in. */
export function newJob(id: string, options: AddOptions = {}): NewJob {
  const { isIdNew = false, queue = "q", atFront = false, ttl, due } = options;
  const { dependsOn = [], fields = {} } = options;
  const waits: [JobField, RedisArg][] = dependsOn.length === 0
    ? []
    : [["dependency_ids", JSON.stringify(dependsOn)]];
  if (ttl !== undefined) waits.push(["ttl", ttl]);
  return {
    id,
    queue,
    atFront,
    due,
    isIdNew,
    fields: new Map<JobField, RedisArg>([
      ["created_at", formatDate()],
      ["data", encodeData("jobs.f", "[1]", "{}")],
      ["description", "jobs.f(1)"],
      ["timeout", 180],
      ...waits,
      ...Object.entries(fields) as [JobField, RedisArg][],
    ]),
  };
}

/**
 * A client that sends each call a second time, as after a lost reply; told of both replies, and of the text of the script
 * that was called.
 */
export function echoing(
  client: RedisClient,
  seen: (
    reply: RedisReply,
    time: 1 | 2,
    script?: string,
  ) => Promise<void> | void,
): RedisClient {
  return sendingBy(client, async (command, args, options) => {
    const script = options?.source;
    await seen(await client.send(command, args, options), 1, script);
    const reply = await client.send(command, args, options);
    await seen(reply, 2, script);
    return reply;
  });
}

/** A client that sends in another way. */
export function sendingBy(
  client: RedisClient,
  send: RedisClient["send"],
): RedisClient {
  return {
    url: client.url,
    blocking: () => client.blocking(),
    subscribe: (channel, onMessage) => client.subscribe(channel, onMessage),
    close: () => client.close(),
    [Symbol.asyncDispose]: () => client.close(),
    send,
  };
}

function pairs(reply: RedisReply): string[] {
  const flat = list(reply).map(String);
  return flat.flatMap((name, i) => i % 2 ? [] : [`${name}=${flat[i + 1]}`]);
}

/** Text with what the clock says masked. */
export function masked(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<date>")
    .replaceAll(/\b\d{13}-\d+\b/g, "<entry>")
    .replaceAll(/(?<![\da-f])1\d{12}(?![\da-f])/g, "<milliseconds>")
    .replaceAll(/\b[12]\d{9}(\.\d+)?\b/g, "<time>");
}
