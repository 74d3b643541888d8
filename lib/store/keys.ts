/**
 * Every key name, in TypeScript and in Lua. No other file spells a key.
 *
 * The layout is RQ 2.x's (`rq/job.py`, `rq/queue.py`, `rq/registry.py`,
 * `rq/executions.py`, `rq/worker`), the double colon in
 * {@linkcode Keys.dependencies} included.
 *
 * @module
 */

import { readVariable } from "../base/platform.ts";

const encoder = new TextEncoder();

/** RQ's prefix, unless the environment names another. */
const RQ_PREFIX = "rq";

/**
 * The default prefix: RQ 3.0's `RQ_KEY_PREFIX` and a colon, as in RQ, if the environment has it and may be read; else
 * `rq:`.
 *
 * @throws {RangeError} If the variable has a value that RQ refuses, too.
 */
function defaultPrefix(): string {
  const variable = "RQ_KEY_PREFIX";
  const given = readVariable(variable);
  if (given === undefined) return `${RQ_PREFIX}:`;
  if (/^[A-Za-z0-9_.:{}-]+$/.test(given)) return `${given}:`;
  throw new RangeError(
    `Cannot use ${variable} ${
      JSON.stringify(given)
    }: expected letters, digits and _ . : - { }`,
  );
}

/** A kind of registry: a sorted set of job ids for each queue. `wip` is RQ's name for the started ones. */
export type RegistryName =
  | "wip"
  | "finished"
  | "failed"
  | "deferred"
  | "ready"
  | "scheduled"
  | "canceled";

/** The names of all keys under one prefix. */
export class Keys {
  /** The prefix of every key. */
  readonly prefix: string;

  /**
   * A prefix in braces, `{rq}:`, keeps all keys on one slot of a Redis Cluster.
   *
   * @throws {RangeError} If it is empty.
   */
  constructor(prefix: string = defaultPrefix()) {
    if (prefix === "") {
      throw new RangeError(`Cannot use key prefix "": it is empty`);
    }
    this.prefix = prefix;
  }

  /** Set of the keys of all queues. */
  get queues(): string {
    return `${this.prefix}queues`;
  }
  /** Set of the keys of all workers. */
  get workers(): string {
    return `${this.prefix}workers`;
  }
  /** Exists while all workers are suspended (`rq suspend`). */
  get suspended(): string {
    return `${this.prefix}suspended`;
  }
  /** Hash of ours: the queues that are paused, with when that ends in seconds since 1970, or `inf`. */
  get paused(): string {
    return `${this.prefix}x_paused`;
  }
  /** List of job ids, the head is next. */
  queue(name: string): string {
    return `${this.prefix}queue:${name}`;
  }
  /** The queue's name in its key. */
  queueName(key: string): string {
    return key.slice(`${this.prefix}queue:`.length);
  }
  /** List of job ids that a worker has popped and not claimed yet. */
  intermediate(queue: string): string {
    return `${this.queue(queue)}:intermediate`;
  }
  /** Sorted set of job ids (`wip`: of `<job>:<execution>`). */
  registry(name: RegistryName, queue: string): string {
    return `${this.prefix}${name}:${queue}`;
  }
  /** Hash of a job. */
  job(id: string): string {
    return `${this.prefix}job:${id}`;
  }
  /** Set of the jobs that this one waits for. */
  dependencies(id: string): string {
    return `${this.prefix}job::${id}:dependencies`;
  }
  /** Set of the jobs that wait for this one. */
  dependents(id: string): string {
    return `${this.prefix}job:${id}:dependents`;
  }
  /** Sorted set of the executions of a job that have had a heartbeat. */
  executions(id: string): string {
    return `${this.prefix}executions:${id}`;
  }
  /** Hash of an execution. */
  execution(id: string, execution: string): string {
    return `${this.prefix}execution:${id}:${execution}`;
  }
  /** Stream of a job's results. */
  results(id: string): string {
    return `${this.prefix}results:${id}`;
  }
  /** Stream of ours: what a job yields. */
  stream(id: string): string {
    return `${this.prefix}x_stream:${id}`;
  }
  /** Our stream of a job's log. */
  log(id: string): string {
    return `${this.prefix}x_log:${id}`;
  }
  /** Hash of a worker. */
  worker(name: string): string {
    return `${this.prefix}worker:${name}`;
  }
  /** Set of a worker's executions that have had a heartbeat, as `<job>:<execution>`. */
  workerExecutions(name: string): string {
    return `${this.prefix}worker:${name}:executions`;
  }
  /** Set of the keys of a queue's workers. */
  queueWorkers(queue: string): string {
    return `${this.prefix}workers:${queue}`;
  }
  /** The worker's name in its key. */
  workerName(key: string): string {
    return key.slice(`${this.prefix}worker:`.length);
  }
  /** Lock of the scheduler of one queue. */
  schedulerLock(queue: string): string {
    return `${this.prefix}scheduler-lock:${queue}`;
  }
  /** Hash of ours: for each queue the name of the worker that queues what is due. */
  get schedulers(): string {
    return `${this.prefix}x_schedulers`;
  }
  /** An otherwise unused key, on which a worker checks its permissions. */
  probe(token: string): string {
    return `${this.prefix}probe:${token}`;
  }
  /** Our stream of ends: ids of jobs that ended without a result while a client was waiting for them. */
  get ends(): string {
    return `${this.prefix}x_ends`;
  }
  /** Our stream of events, which is written while {@linkcode Keys.watched} exists. */
  get events(): string {
    return `${this.prefix}x_events`;
  }
  /** Exists while somebody watches what happens to jobs. */
  get watched(): string {
    return `${this.prefix}x_watched`;
  }
  /** Hash of the parents that have ended and still have dependents to release. */
  get releasing(): string {
    return `${this.prefix}x_releasing`;
  }
  /** Exists during a worker's turn at the pass with this name. */
  turn(pass: string): string {
    return `${this.prefix}x_turn:${pass}`;
  }
  /** Set of the keys of all rate limits that are in use. */
  get limits(): string {
    return `${this.prefix}rl-keys`;
  }
  /** Sorted set of the jobs that have a slot of a rate limit. */
  allowed(limit: string): string {
    return `${this.prefix}rl:${limit}:allowed`;
  }
  /** Sorted set of ours: the names of unique keys, by when to look whether they are still held. */
  get uniqueKeys(): string {
    return `${this.prefix}x_unique_keys`;
  }
  /** Sorted set of ours: the rate limits that a worker of a queue is to look at, scored with the time. */
  looks(queue: string): string {
    return `${this.prefix}x_looks:${queue}`;
  }
  /** Sorted set of ours: the jobs of a queue with a tag. The length keeps names with colons apart. */
  tag(queue: string, tag: string): string {
    const { length } = encoder.encode(queue);
    return `${this.prefix}x_tag:${length}:${queue}:${tag}`;
  }
  /** Sorted set of ours: all tags, as in the keys of {@linkcode Keys.tag}. */
  get tags(): string {
    return `${this.prefix}x_tags`;
  }
  /** Sorted set of the jobs that wait for a slot of a rate limit. */
  rateLimited(limit: string): string {
    return `${this.prefix}rl:${limit}:rate_limited`;
  }
  /** Set of ours: the limits by which jobs of a queue take turns. */
  fair(queue: string): string {
    return `${this.prefix}x_fair:${queue}`;
  }
  /** Sorted set of ours: the names of all schedules, scored with their next slots. */
  get schedules(): string {
    return `${this.prefix}x_schedules`;
  }
  /** Hash of a schedule. */
  schedule(name: string): string {
    return `${this.prefix}x_schedule:${name}`;
  }
  /** List of the last runs of a schedule. */
  scheduleRuns(name: string): string {
    return `${this.prefix}x_schedule_runs:${name}`;
  }
  /** Sorted set of the names of RQ's cron schedulers, scored with their last heartbeats. */
  get cronSchedulers(): string {
    return `${this.prefix}cron_schedulers`;
  }
  /** Hash of one of RQ's cron schedulers. */
  cronScheduler(name: string): string {
    return `${this.prefix}cron_scheduler:${name}`;
  }
  /** Hash of the files that declare schedules: for each the token of the program that has read it last. */
  get cronFiles(): string {
    return `${this.prefix}x_cron_files`;
  }
  /** Set of the names of all groups that have jobs. */
  get groups(): string {
    return `${this.prefix}groups`;
  }
  /** Set of the ids of a group's jobs. */
  group(id: string): string {
    return `${this.prefix}group:${id}`;
  }
  /** Sorted set of ours: groups that are not complete, or have jobs, scored with the time of the next look at them. */
  get openGroups(): string {
    return `${this.prefix}x_open_groups`;
  }
  /** Hash of ours: what is counted of a group, and what it calls for. */
  groupState(id: string): string {
    return `${this.prefix}x_group:${id}`;
  }
  /** Set of ours: the members of a group that have not ended. */
  groupOpen(id: string): string {
    return `${this.prefix}x_group_open:${id}`;
  }
  /** Sorted set of ours: who is adding members to a group, scored with the time until which that is believed. */
  groupHolds(id: string): string {
    return `${this.prefix}x_group_holds:${id}`;
  }
  /** Channel of a worker's commands. */
  channel(worker: string): string {
    return `${this.prefix}pubsub:${worker}`;
  }
}

/** The same for scripts: the name of each key, its parameters, and the expression after the prefix. */
const LUA_NAMES: readonly (readonly [
  name: string,
  parameters: string,
  key: string,
])[] = [
  ["job_key", "id", "'job:' .. id"],
  ["dependents_key", "id", "'job:' .. id .. ':dependents'"],
  ["dependencies_key", "id", "'job::' .. id .. ':dependencies'"],
  ["results_key", "id", "'results:' .. id"],
  ["stream_key", "id", "'x_stream:' .. id"],
  ["log_key", "id", "'x_log:' .. id"],
  ["queue_key", "q", "'queue:' .. q"],
  ["intermediate_key", "q", "'queue:' .. q .. ':intermediate'"],
  [
    "first_seen_key",
    "q, id",
    "'queue:' .. q .. ':intermediate:first_seen:' .. id",
  ],
  ["registry_key", "name, q", "name .. ':' .. q"],
  ["executions_key", "id", "'executions:' .. id"],
  ["execution_key", "id, e", "'execution:' .. id .. ':' .. e"],
  ["worker_executions_key", "w", "'worker:' .. w .. ':executions'"],
  ["queue_workers_key", "q", "'workers:' .. q"],
  ["ends_key", "", "'x_ends'"],
  ["group_key", "g", "'group:' .. g"],
  ["group_state_key", "g", "'x_group:' .. g"],
  ["group_open_key", "g", "'x_group_open:' .. g"],
  ["group_holds_key", "g", "'x_group_holds:' .. g"],
  ["limit_key", "limit", "'rl:' .. limit"],
  ["allowed_key", "limit", "'rl:' .. limit .. ':allowed'"],
  ["rate_limited_key", "limit", "'rl:' .. limit .. ':rate_limited'"],
  ["unique_key", "name", "'x_unique:' .. name"],
  ["starts_key", "limit", "'rl:' .. limit .. ':x_starts'"],
  ["looks_key", "q", "'x_looks:' .. q"],
  ["tag_key", "q, tag", "'x_tag:' .. #q .. ':' .. q .. ':' .. tag"],
  ["tag_key_of", "name", "'x_tag:' .. name"],
  ["fair_key", "q", "'x_fair:' .. q"],
  ["schedule_key", "name", "'x_schedule:' .. name"],
  ["schedule_runs_key", "name", "'x_schedule_runs:' .. name"],
  ["cron_jobs_key", "name", "'cron_job:' .. name .. ':jobs'"],
  ["turn_key", "pass", "'x_turn:' .. pass"],
  ["channel", "w", "'pubsub:' .. w"],
];

/** The pieces for {@linkcode link}. The prefix is a script's `ARGV[1]`, by convention. */
export const KEYS_LUA: string = [
  "local P = ARGV[1]",
  "local QUEUES = P .. 'queues'",
  "local SUSPENDED = P .. 'suspended'",
  "local PAUSED = P .. 'x_paused'",
  "local SCHEDULERS = P .. 'x_schedulers'",
  "local EVENTS = P .. 'x_events'",
  "local WATCHED = P .. 'x_watched'",
  "local RELEASING = P .. 'x_releasing'",
  "local LIMITS = P .. 'rl-keys'",
  "local UNIQUE_KEYS = P .. 'x_unique_keys'",
  "local TAGS = P .. 'x_tags'",
  "local SCHEDULES = P .. 'x_schedules'",
  "local CRON_FILES = P .. 'x_cron_files'",
  "local CRON_NAMES = P .. 'cron_jobs'",
  "local GROUPS = P .. 'groups'",
  "local OPEN_GROUPS = P .. 'x_open_groups'",
].join("\n\n");

/** A call and its arguments, unless these contain calls. */
const LUA_CALLS = new RegExp(
  `\\b(${LUA_NAMES.map(([name]) => name).join("|")})\\((?:([^()]*)\\))?`,
  "g",
);

/** An argument that can be concatenated as it is: a string, a name, a member, an element. */
const OPERAND = /^(?:'[^']*'|[\w.]+(?:\[[\w.]+(?: [+-] \d+)?\])?)$/;

/**
 * Replaces the names of keys in a script by their expressions: `job_key(id)` becomes `(P .. 'job:' .. id)`. As functions,
 * which are created in each call and called for each job, they took a tenth of the time of many scripts.
 *
 * @throws {Error} If an argument is not a simple one.
 */
export function spellKeys(lua: string): string {
  return lua.replaceAll(LUA_CALLS, (call, name: string, text?: string) => {
    const known = spelledCalls.get(call);
    if (known !== undefined) return known;
    const spelled = spellCall(call, name, text);
    spelledCalls.set(call, spelled);
    return spelled;
  });
}

/** Each was looked up once: all scripts of a program are spelled when it starts, and most calls are in many of them. */
const spelledCalls = new Map<string, string>();

function spellCall(call: string, name: string, text?: string): string {
  const [, parameters, key] = LUA_NAMES.find(([known]) => known === name)!;
  const names = parameters.split(", ");
  const given = text?.split(", ") ?? [];
  if (text !== "" && !(text && given.every((arg) => OPERAND.test(arg)))) {
    throw new Error(`Lua key ${call} needs simple arguments`);
  }
  const spelled = key.replaceAll(/'[^']*'|\w+/g, (word) => {
    const place = names.indexOf(word);
    return place < 0 ? word : given[place]!;
  });
  return `(P .. ${spelled})`;
}
