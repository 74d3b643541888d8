/**
 * What a group is created with: options, their check, and what a refusal means.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { DuplicateGroupError, noSuchGroup } from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkGroup, type GroupOrId } from "../job/group.ts";
import { checkJobId } from "../job/names.ts";
import type { JobFunction } from "../job/stored.ts";
import { ReplyError } from "../redis/redis_client.ts";
import {
  CONNECTION_OPTIONS,
  type ConnectionOptions,
} from "../store/connection.ts";
import { GROUP_TTL, type GroupCallback } from "../store/group_rules.ts";
import type { Created, NewGroup } from "../store/group_store.ts";
import type { Context } from "./context.ts";
import { type GroupCall, packGroupCall, type Purpose } from "./group_calls.ts";

/** Options of {@linkcode Group.create}. */
export interface GroupOptions<
  C extends JobFunction = JobFunction,
  S extends JobFunction = JobFunction,
  F extends JobFunction = JobFunction,
> extends ConnectionOptions {
  /**
   * The group's id: letters, digits, `_` and `-`.
   *
   * @default a random UUID
   */
  readonly id?: string;
  /**
   * A group that this one belongs to, or its id: that one is not complete before this one is.
   *
   * @default none
   */
  readonly group?: GroupOrId;
  /**
   * How long a complete group is kept once none of its jobs is left, and one that never has a member. Its jobs are kept as long
   * as they say.
   *
   * @default "1d"
   */
  readonly ttl?: Duration;
  /** A job that is enqueued when all members have ended, in whichever way. */
  readonly onComplete?: GroupCall<C>;
  /** A job that is enqueued when all members have finished. */
  readonly onSuccess?: GroupCall<S>;
  /**
   * A job that is enqueued as soon as one member has ended in another way than finished: it has failed for good, or was stopped,
   * canceled or deleted, or has expired on its queue.
   */
  readonly onFailure?: GroupCall<F>;
}

const OPTIONS = optionNames<Required<GroupOptions>>({
  ...CONNECTION_OPTIONS,
  id: true,
  group: true,
  ttl: true,
  onComplete: true,
  onSuccess: true,
  onFailure: true,
});

/**
 * Checks the options of a group. The jobs that it calls for need its connection's settings, and are packed by
 * {@linkcode packCalls}.
 *
 * @throws {RangeError | TypeError} It names the option that is wrong.
 */
export function checkGroupOptions(
  options: GroupOptions,
): Omit<NewGroup, "callbacks"> {
  refuseUnknown(options, OPTIONS, "Cannot create a group");
  const { id = crypto.randomUUID(), group, ttl = GROUP_TTL } = options;
  return {
    id: checkJobId(id, "group id"),
    parent: group === undefined ? undefined : checkGroup(group),
    ttl: parseDuration(ttl, "ttl", { unlimited: true }),
  };
}

/** Packs the jobs that a group calls for. */
export async function packCalls(
  { onComplete, onSuccess, onFailure }: GroupOptions,
  id: string,
  context: Context,
): Promise<Map<GroupCallback, Uint8Array>> {
  const packed = new Map<GroupCallback, Uint8Array>();
  const given: [GroupCallback, Purpose, GroupCall | undefined][] = [
    ["on_complete", "complete", onComplete],
    ["on_success", "success", onSuccess],
    ["on_failure", "failure", onFailure],
  ];
  for (const [field, purpose, call] of given) {
    if (call === undefined) continue;
    packed.set(field, await packGroupCall(call, id, purpose, context));
  }
  return packed;
}

/** The error for a group that was not created. */
export function notCreated(
  { id, parent = "" }: Pick<NewGroup, "id" | "parent">,
  why: Exclude<Created, "created">,
): Error {
  const cannot = `Cannot create group "${id}"`;
  switch (why) {
    case "taken":
      return new DuplicateGroupError(
        `${cannot}: there is one; fetch it, delete it or choose another id`,
        { groupId: id },
      );
    case "no parent":
      return noSuchGroup(parent);
    case "too deep":
      return new RangeError(
        `${cannot} in group "${parent}": too many groups are one inside the other`,
      );
    case "unfit":
      return new ReplyError(
        `WRONGTYPE ${cannot}: a key of the group, or of that which it belongs to, holds another type of value`,
      );
  }
}
