/**
 * What jobs and queues in memory share.
 *
 * @module
 */

import { Context } from "../queue/context.ts";
import type { ResultWaiter } from "../queue/result_waiter.ts";
import type { MemoryStore } from "./memory_store.ts";

/** A store in memory, as queues and jobs use it. */
export class MemoryContext extends Context {
  declare readonly store: MemoryStore;

  /** For jobs of this store. */
  constructor(store: MemoryStore, bigInts: boolean) {
    const connection = store.client;
    super({ connection, prefix: store.keys.prefix, bigInts }, store);
  }

  /** Waits for changes in memory. */
  override get waiter(): Pick<ResultWaiter, "wait" | "waitForEnd"> {
    const { store } = this;
    return {
      async wait(_id, _from, signal) {
        await store.nextChange(signal);
        return { how: "" };
      },
      waitForEnd: async (_of, _from, signal) => await store.nextChange(signal),
    };
  }
}
