/** Logs what becomes of a connection. @module */

import {
  ConnectionRefusedError,
  type ConnectionState,
} from "../redis/redis_client.ts";
import type { SteadyLog } from "./log.ts";

/** Logs that a connection is lost, or is there again. A final refusal ends the program with an error, which is reported. */
export function logState(log: SteadyLog, state: ConnectionState): void {
  if (state.state === "down" && isRefusal(state.error)) return;
  log.warn(describeState(state));
}

function isRefusal(error: Error): boolean {
  return error instanceof ConnectionRefusedError ||
    error.cause instanceof ConnectionRefusedError;
}

function describeState(state: ConnectionState): string {
  return state.state === "down"
    ? `${state.error.message}; trying again until there is a connection`
    : `Connected to Redis at ${state.url} again after ${
      (state.downFor / 1_000).toFixed(1)
    } s`;
}
