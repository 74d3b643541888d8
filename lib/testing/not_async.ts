/**
 * Queues that run their jobs at once, in this process.
 *
 * @module
 */

import { provideNotAsync } from "../queue/not_async.ts";
import { MemoryContext } from "./memory_context.ts";
import { MemoryStore } from "./memory_store.ts";
import { runStored } from "./run_stored.ts";

provideNotAsync((bigInts) => {
  const store = new MemoryStore(async () => {
    for (let job = store.take(); job !== undefined; job = store.take()) {
      await runStored(context, job);
    }
  });
  const context = new MemoryContext(store, bigInts);
  return context;
});
