/**
 * The `Group` of the public API.
 *
 * @module
 */

import { noSuchGroup } from "../base/errors.ts";
import { optionNames, refuseUnknown } from "../base/options.ts";
import { checkGroup } from "../job/group.ts";
import type { JobFunction } from "../job/stored.ts";
import type { Connection, ConnectionOptions } from "../store/connection.ts";
import { INNER_GROUP } from "../store/group_rules.ts";
import {
  cancelGroup,
  countGroup,
  createGroup,
  deleteGroup,
  groupExists,
  groupIds,
  groupMembers,
  HOLD_SECONDS,
  holdGroup,
  lookAtGroup,
} from "../store/group_store.ts";
import type { Context } from "./context.ts";
import type { EnqueueCall, EnqueueCalls, JobsOf } from "./enqueue_call.ts";
import {
  checkGroupOptions,
  type GroupOptions,
  notCreated,
  packCalls,
} from "./group_options.ts";
import { type Job, newJob } from "./job.ts";
import type { Queue } from "./queue.ts";
import { groupContext, openJobContext } from "./stand_in.ts";
import { type WaitOptions, waitSignal } from "./wait.ts";

const DELETE_OPTIONS = optionNames<DeleteGroupOptions>({ deleteJobs: true });

/** Options of {@linkcode Group.delete}. */
export interface DeleteGroupOptions {
  /**
   * Deletes its jobs too, also those that run.
   *
   * @default false
   */
  readonly deleteJobs?: boolean;
}

/** How many members a group has had, and how they have ended. Groups in it count as members. */
export interface GroupCounts {
  /** All members that there ever were, also such as are deleted or have expired. */
  readonly total: number;
  /** Those that have not ended. */
  readonly open: number;
  /** Those that have finished; a group in it if all of its members have. */
  readonly finished: number;
  /** Those that have failed for good; a group in it if not all of its members have finished. */
  readonly failed: number;
  /** Those that were stopped. */
  readonly stopped: number;
  /** Those that were canceled. */
  readonly canceled: number;
  /** Those that were deleted, or have expired on their queue, before they had ended. */
  readonly gone: number;
}

/** Creates a group. Internal: the public constructor is private, since its parameters are internal. */
let newGroup: (id: string, context: Context) => Group;

/**
 * Jobs that belong together: they are counted, waited for and canceled together, and other jobs are enqueued when they have
 * ended. Each call in the life of a group is enqueued once, by the step that records the last end.
 *
 * @example
 * ```ts ignore
 * await using group = await Group.create({
 *   onSuccess: { func: "jobs.report.publish", queue: "reports" },
 * });
 * await group.enqueueMany(queue, pages.map((page) => ({ func: render, args: [page] })));
 * console.log(await group.wait({ timeout: "10m" })); // { total: 12, open: 0, finished: 12, … }
 * ```
 */
export class Group implements AsyncDisposable {
  /** The group's id. */
  readonly id: string;
  readonly #context: Context;

  static {
    newGroup = (id, context) => new Group(id, context);
  }

  /** Use {@linkcode Group.create} or {@linkcode Group.fetch}. */
  private constructor(id: string, context: Context) {
    this.id = id;
    this.#context = context;
  }

  /**
   * Creates a group. Unless `connection` is an open one, the group opens its own: close it with {@linkcode Group.close} or
   * `await using`.
   *
   * @throws {RangeError | TypeError} It names the option that is wrong.
   * @throws {DuplicateGroupError} If there is a group with this id.
   * @throws {NoSuchGroupError} If it is to belong to a group that does not exist.
   */
  static async create<
    C extends JobFunction,
    S extends JobFunction,
    F extends JobFunction,
  >(options: GroupOptions<C, S, F> = {}): Promise<Group> {
    const given = options as GroupOptions;
    const group = checkGroupOptions(given);
    const context = groupContext(options);
    try {
      const callbacks = await packCalls(given, group.id, context);
      const created = await createGroup(context.store, { ...group, callbacks });
      if (created !== "created") throw notCreated(group, created);
      return newGroup(group.id, context);
    } catch (error) {
      await context.close();
      throw error;
    }
  }

  /**
   * Fetches the group with an id; also one of Python's, which is there as long as it has jobs. Its connection is as that of a
   * group that is created.
   *
   * @throws {NoSuchGroupError} If there is none.
   */
  static async fetch(
    id: string,
    options: ConnectionOptions = {},
  ): Promise<Group> {
    checkGroup(id);
    const context = openJobContext(options, `Cannot fetch group "${id}"`);
    try {
      if (!await groupExists(context.store, id)) throw noSuchGroup(id);
      return newGroup(id, context);
    } catch (error) {
      await context.close();
      throw error;
    }
  }

  /** All groups that have jobs or are not complete. They share one connection, which each of them can close. */
  static async all(options: ConnectionOptions = {}): Promise<Group[]> {
    const context = openJobContext(options, "Cannot list groups");
    try {
      const ids = await groupIds(context.store);
      const exist = await Promise.all(
        ids.map((id) => groupExists(context.store, id)),
      );
      const groups = ids.filter((_, i) => exist[i])
        .map((id) => newGroup(id, context));
      if (groups.length === 0) await context.close();
      return groups;
    } catch (error) {
      await context.close();
      throw error;
    }
  }

  /** The connection, which queues, other groups, jobs and workers can share. */
  get connection(): Connection {
    return this.#context.client;
  }

  /**
   * Enqueues calls as members, as `Queue.enqueueMany()` does. The group is not complete before all of them are enqueued. If
   * there are none, and no others, it is complete then. Should this program end in the middle, the group is complete a minute
   * later with those that it has.
   *
   * @throws {AggregateError} If some were refused; the others are enqueued.
   * @throws {NoSuchGroupError} If the group is gone. Nothing is stored then.
   */
  enqueueMany<const C extends readonly EnqueueCall[]>(
    queue: Queue,
    calls: EnqueueCalls<C>,
  ): Promise<JobsOf<C>> {
    return this.fill(async () => {
      const list: readonly EnqueueCall[] = calls;
      const mine = list.map((call) => ({ ...call, group: this }));
      return await queue.enqueueMany(mine) as JobsOf<C>;
    });
  }

  /**
   * Keeps the group from being complete while a function runs that adds members: one by one, by the option `group` of a call, or
   * on several queues. Without that, it is complete whenever all members that it has so far have ended. Jobs of the group that
   * add others need it not, since they have not ended.
   *
   * @example
   * ```ts ignore
   * await group.fill(async () => {
   *   for await (const page of pages) {
   *     await queue.enqueueCall({ func: render, args: [page], group });
   *   }
   * });
   * ```
   *
   * @returns What the function returns.
   * @throws {NoSuchGroupError} If the group is gone. The function is not called then.
   */
  async fill<R>(add: () => R | Promise<R>): Promise<R> {
    const { store } = this.#context;
    const token = crypto.randomUUID();
    const hold = () => holdGroup(store, this.id, token, HOLD_SECONDS);
    if (!await hold()) throw noSuchGroup(this.id);
    // If that fails once, the next time is early enough; if Redis is away for longer, add() fails as well.
    const timer = setInterval(
      () => void hold().catch(() => false),
      HOLD_SECONDS * 1_000 / 3,
    );
    try {
      return await add();
    } finally {
      clearInterval(timer);
      // If that fails, the hold ends by itself; what add() has done counts.
      await holdGroup(store, this.id, token, 0).catch(() => false);
    }
  }

  /** Its jobs, in no particular order, without those that are gone. */
  async *jobs(): AsyncGenerator<Job> {
    const { store } = this.#context;
    for await (const ids of groupMembers(store, this.id)) {
      const records = await Promise.all(ids.map((id) => store.fetch(id)));
      for (const record of records) {
        if (record === null) continue;
        yield newJob(record.id, this.#context, () => record);
      }
    }
  }

  /**
   * How many members it has had, and how they have ended. It is read from counters, which are exact at once for what workers
   * of ours have ended, and some seconds late for what Python's have.
   *
   * @throws {NoSuchGroupError} If the group is gone.
   */
  async counts(): Promise<GroupCounts> {
    const state = await countGroup(this.#context.store, this.id);
    if (state === null) throw noSuchGroup(this.id);
    return state.counts;
  }

  /**
   * Waits until all members have ended, in whichever way. Redis wakes it up; it does not poll.
   *
   * @returns Its counts.
   * @throws {NoSuchGroupError} If the group is gone.
   * @throws {DOMException} `TimeoutError` after `timeout`.
   */
  async wait(options: WaitOptions = {}): Promise<GroupCounts> {
    const { store, waiter } = this.#context;
    const what = `group "${this.id}"`;
    const { signal, dispose } = waitSignal(what, options);
    try {
      for (;;) {
        signal.throwIfAborted();
        const state = await lookAtGroup(store, this.id, signal);
        if (state === null) throw noSuchGroup(this.id);
        if (state.endedAt !== "") return state.counts;
        await waiter.waitForEnd(
          {
            what,
            name: `${INNER_GROUP}${this.id}`,
            isOver: async () =>
              (await lookAtGroup(store, this.id))?.endedAt !== "",
          },
          state.endsAfter,
          signal,
        );
      }
    } finally {
      dispose();
    }
  }

  /**
   * Cancels all members that have not ended, those of groups in it as well. Once this has begun, workers go on with it even if
   * this program ends. What it calls for when it is complete is enqueued all the same.
   *
   * @throws {NoSuchGroupError} If the group is gone.
   */
  async cancel(): Promise<void> {
    const found = await cancelGroup(this.#context.store, this.id);
    if (!found) throw noSuchGroup(this.id);
  }

  /**
   * Deletes the group: it calls for nothing any more. Its jobs stay, and belong to no group then, unless `deleteJobs` is `true`.
   *
   * @returns Whether there was anything to delete.
   */
  async delete(options: DeleteGroupOptions = {}): Promise<boolean> {
    const action = `Cannot delete group "${this.id}"`;
    refuseUnknown(options, DELETE_OPTIONS, action);
    const { deleteJobs = false } = options;
    return await deleteGroup(this.#context.store, this.id, deleteJobs);
  }

  /** Closes the connection, unless `connection` was an open one. */
  close(): Promise<void> {
    return this.#context.close();
  }

  /** The same as {@linkcode Group.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
