/**
 * What queues and jobs share: the connection, the store, one waiter for results, and readers of events and streams.
 *
 * @module
 */

import { optionNames, refuseUnknown } from "../base/options.ts";
import { isQueueName } from "../job/names.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
  openConnection,
} from "../store/connection.ts";
import { JobStore } from "../store/job_store.ts";
import { Keys } from "../store/keys.ts";
import { EventReader } from "./event_reader.ts";
import { ResultWaiter } from "./result_waiter.ts";
import { StreamReader } from "./stream_reader.ts";

const KNOWN = optionNames<ConnectionOptions>(CONNECTION_OPTIONS);

/** Connects for a call whose only options are {@linkcode ConnectionOptions}. */
export function openContext(
  options: ConnectionOptions,
  action: string,
): Context {
  refuseUnknown(options, KNOWN, action);
  return new Context(options);
}

/** Uses a context for one call, and closes it. */
export async function withContext<T>(
  context: Context,
  use: (context: Context) => Promise<T>,
): Promise<T> {
  try {
    return await use(context);
  } finally {
    await context.close();
  }
}

/** A connection, its store and its waiter. */
export class Context {
  readonly client: RedisClient;
  readonly store: JobStore;
  /** Whether BigInts are read and written. */
  readonly bigInts: boolean;
  readonly #isOwn: boolean;
  #shared: Shared | undefined;

  /** Connects, or uses the connection in the options; on another store than that in Redis if one is given. */
  constructor(options: ConnectionOptions, store?: JobStore) {
    const { client, isOwn } = openConnection(options);
    this.client = client;
    this.#isOwn = isOwn;
    this.bigInts = options.bigInts ?? false;
    this.store = store ??
      new JobStore(this.client, new Keys(options.prefix));
  }

  /** The waiter for results, one for each connection and prefix. */
  get waiter(): Pick<ResultWaiter, "wait" | "waitForEnd"> {
    return (this.#shared ??= share(this.store)).waiter;
  }

  /** The reader of events, one for each connection and prefix. */
  get events(): Pick<EventReader, "watch" | "position"> {
    return (this.#shared ??= share(this.store)).events;
  }

  /** The reader of streams, one for each connection and prefix. */
  get streams(): Pick<StreamReader, "read" | "look"> {
    return (this.#shared ??= share(this.store)).streams;
  }

  /** Closes the connection if this context has opened it. */
  async close(): Promise<void> {
    const shared = this.#shared;
    this.#shared = undefined;
    if (shared !== undefined && --shared.users === 0) {
      allShared.get(this.client)?.delete(this.store.keys.prefix);
      const { waiter, events, streams } = shared;
      await Promise.all([waiter.close(), events.close(), streams.close()]);
    }
    if (this.#isOwn) await this.client.close();
  }
}

/** The names of all queues. If there are none, or that cannot be read, nobody needs the context: it is closed. */
export async function queueNames(context: Context): Promise<string[]> {
  let names: string[] = [];
  try {
    names = (await context.store.queueNames()).filter(isQueueName);
  } finally {
    if (names.length === 0) await context.close();
  }
  return names;
}

interface Shared {
  readonly waiter: ResultWaiter;
  readonly events: EventReader;
  readonly streams: StreamReader;
  users: number;
}

/** What is shared over each connection and prefix, since each of it uses a blocking connection. */
const allShared = new WeakMap<RedisClient, Map<string, Shared>>();

function share(store: JobStore): Shared {
  const byPrefix = allShared.get(store.client) ?? new Map<string, Shared>();
  allShared.set(store.client, byPrefix);
  const { prefix } = store.keys;
  const shared = byPrefix.get(prefix) ?? {
    waiter: new ResultWaiter(store),
    events: new EventReader(store),
    streams: new StreamReader(store),
    users: 0,
  };
  byPrefix.set(prefix, shared);
  shared.users++;
  return shared;
}
