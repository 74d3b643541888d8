/** The options of those who watch. @module */

import { optionNames, refuseUnknown } from "../base/options.ts";

/** Options of {@linkcode Job.watch} and {@linkcode Queue.watch}. */
export interface WatchOptions {
  /** Ends the watching: the iteration throws its reason. What is watched is not affected. */
  readonly signal?: AbortSignal;
}

const OPTIONS = optionNames<WatchOptions>({ signal: true });

/** @throws {TypeError} If there is an unknown option. */
export function checkWatch(options: WatchOptions, action: string): void {
  refuseUnknown(options, OPTIONS, action);
}
