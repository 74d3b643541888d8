/**
 * What stands in for Redis while a test captures jobs.
 *
 * @module
 */

import type { ConnectionOptions } from "../store/connection.ts";
import { Context, openContext } from "./context.ts";

/** Gives contexts to those that would otherwise use Redis; `undefined` leaves them their own. */
export interface StandIn {
  /** For a queue, which has a context of its own. */
  ofQueue(queue: object, own: Context): Context | undefined;
  /** For whoever reaches a job by its id, or a group. */
  ofJobs(bigInts: boolean): Context | undefined;
}

let standIn: StandIn | undefined;

/** Begins to ask it before Redis is used; `undefined` ends that. */
export function setStandIn(given: StandIn | undefined): void {
  standIn = given;
}

/** The context that a queue uses now. */
export function contextFor(queue: object, own: Context): Context {
  return standIn?.ofQueue(queue, own) ?? own;
}

/** Connects, for a call about jobs by their ids whose only options are {@linkcode ConnectionOptions}. */
export function openJobContext(
  options: ConnectionOptions,
  action: string,
): Context {
  return standIn?.ofJobs(options.bigInts ?? false) ??
    openContext(options, action);
}

/** Connects, for a new group. */
export function groupContext(options: ConnectionOptions): Context {
  return standIn?.ofJobs(options.bigInts ?? false) ?? new Context(options);
}
