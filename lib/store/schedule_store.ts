/**
 * Schedules in Redis, as those who make them, look at them and run them see them.
 *
 * @module
 */

import type { RedisArg, RedisClient } from "../redis/redis_client.ts";
import { ReplyError } from "../redis/redis_client.ts";
import type { Script } from "../redis/script.ts";
import { chunks } from "./chunks.ts";
import type { ScheduleField, ScheduleFields } from "./fields.ts";
import type { Keys } from "./keys.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { CLAIM_SLOT } from "./scripts/claim_slot.ts";
import { DUE_SCHEDULES } from "./scripts/due_schedules.ts";
import { REMOVE_SCHEDULE } from "./scripts/remove_schedule.ts";
import { RUN_SCHEDULE } from "./scripts/run_schedule.ts";
import { SET_SCHEDULE } from "./scripts/set_schedule.ts";
import { UPSERT_SCHEDULE } from "./scripts/upsert_schedule.ts";

/** A schedule on its way into Redis. */
export interface NewSchedule {
  readonly name: string;
  /** The JSON of a `Timing`. */
  readonly timing: string;
  /** The job of each run, packed by `packJob()`. */
  readonly job: Uint8Array;
  /** The other fields. */
  readonly fields: ScheduleFields;
}

/** A file that declares schedules, as one program has read it. */
export interface DeclaredBy {
  /** The file's name. */
  readonly file: string;
  /** Another one for each reading. */
  readonly token: string;
}

/** A schedule that is due. Its texts are as stored: whoever wrote them. */
export interface DueSchedule {
  readonly name: string;
  readonly slot: string;
  readonly timing: string;
  readonly start: string;
  readonly missed: string;
}

/** What is due, at one moment. */
export interface DueSchedules {
  /** The server's time in seconds. */
  readonly now: number;
  /** Milliseconds until the next slot that has not come; `Infinity` if there is none. */
  readonly nextMs: number;
  readonly due: readonly DueSchedule[];
}

/** Which slot of a schedule is claimed; see CLAIM_SLOT. */
export interface SlotClaim {
  readonly slot: number;
  readonly run: boolean;
  readonly next: number | undefined;
}

/** What came of a run. */
export interface RunReply {
  /** `enqueued`, `skipped`, `missed`, `refused`, or that it was none: `taken`, `gone`. */
  readonly outcome: string;
  readonly jobId: string;
  /** A job that has not ended, for which this one was skipped, or that was canceled for it. */
  readonly other: string;
  /** Why it was refused. */
  readonly why: string;
}

/** A schedule's hash and its next slot; texts as they are stored. */
export interface StoredSchedule {
  readonly name: string;
  /** In seconds since 1970; `Infinity` for none. */
  readonly next: number;
  /** A field of its hash; `undefined` where it is missing or empty. */
  text(field: ScheduleField): string | undefined;
}

/** How many schedules are read by one call. */
const BATCH = 100;

const RESEND = { resend: true } as const;

/** See the module. */
export class ScheduleStore {
  /** The connection. */
  readonly client: RedisClient;
  /** The names of the keys. */
  readonly keys: Keys;

  /** Works on one connection and under one prefix. */
  constructor(client: RedisClient, keys: Keys) {
    this.client = client;
    this.keys = keys;
  }

  /** The server's time, in whole seconds since 1970. */
  async now(): Promise<number> {
    return Number(list(await this.client.send("TIME", [], RESEND))[0]);
  }

  /**
   * Creates or changes a schedule.
   *
   * @param slot Its first slot, in seconds since 1970.
   * @param declared The file that declares it, if there is one.
   * @returns The file that declared it before, if there was one; `null` if another program has read the file since.
   */
  async upsert(
    { name, timing, job, fields }: NewSchedule,
    slot: number,
    declared?: DeclaredBy,
  ): Promise<{ before: string } | null> {
    const stored: ScheduleFields = { ...fields, job };
    const [what, before = ""] = await this.#run(UPSERT_SCHEDULE, name, [
      newId(name),
      timing,
      slot,
      declared?.file ?? "",
      declared?.token ?? "",
      ...Object.entries(stored).flat(),
    ]);
    return what === "superseded" ? null : { before };
  }

  /** One schedule, or `null` if there is none of that name. */
  async fetch(name: string): Promise<StoredSchedule | null> {
    const score = this.client.send(
      "ZSCORE",
      [this.keys.schedules, name],
      RESEND,
    );
    const hash = this.client.send(
      "HGETALL",
      [this.keys.schedule(name)],
      RESEND,
    );
    return storedSchedule(
      name,
      await noWrongType(score),
      list(await noWrongType(hash)),
    );
  }

  /** The names of schedules, those that run next first. */
  async names(most = 0): Promise<string[]> {
    const args = [this.keys.schedules, 0, most - 1];
    return texts(await noWrongType(this.client.send("ZRANGE", args, RESEND)));
  }

  /** All schedules, those that run next first. */
  async all(): Promise<StoredSchedule[]> {
    return await this.#fetchMany(await this.names());
  }

  /** The first hundred schedules. */
  async first(): Promise<StoredSchedule[]> {
    return await this.#fetchMany(await this.names(BATCH));
  }

  async #fetchMany(names: readonly string[]): Promise<StoredSchedule[]> {
    const found: StoredSchedule[] = [];
    for (const some of chunks(names, BATCH)) {
      const read = await Promise.all(some.map((name) => this.fetch(name)));
      found.push(...read.filter((schedule) => schedule !== null));
    }
    return found;
  }

  /** The schedules whose next slot has come, at most a hundred. Where there are no schedules, it is one command. */
  async due(): Promise<DueSchedules> {
    const keys = [this.keys.schedules];
    const exist = await this.client.send("EXISTS", keys, RESEND);
    if (exist === 0) return { now: 0, nextMs: Infinity, due: [] };
    const args = [this.keys.prefix, BATCH - 1];
    const reply = await DUE_SCHEDULES.run(this.client, keys, args, RESEND);
    const [now = "", ms = "", ...values] = texts(reply);
    const due = chunks(values, 5).map((
      [name = "", slot = "", timing = "", start = "", missed = ""],
    ) => ({ name, slot, timing, start, missed }));
    const nextMs = Number(ms) < 0 ? Infinity : Number(ms);
    return { now: Number(now), nextMs, due };
  }

  /** Claims a slot of a schedule that is due, and makes its job. */
  async claim(
    { name, slot: due }: DueSchedule,
    { slot, run, next }: SlotClaim,
  ): Promise<RunReply> {
    const how = run ? "run" : "missed";
    const args = [due, slot, how, next ?? ""];
    return runReply(await this.#run(CLAIM_SLOT, name, args));
  }

  /** Makes the job of a schedule now. */
  async runNow(name: string): Promise<RunReply> {
    const reply = await RUN_SCHEDULE.run(
      this.client,
      [this.keys.scheduleRuns(name)],
      [this.keys.prefix, name, crypto.randomUUID()],
      RESEND,
    );
    return runReply(refuseUnfit(name, texts(reply)));
  }

  /** Pauses a schedule; `false` if there is none. */
  pause(name: string): Promise<boolean> {
    return this.#set(name, "pause", "");
  }

  /** Lets a paused schedule go on; `false` if there is none. */
  resume(name: string, slot: number): Promise<boolean> {
    return this.#set(name, "resume", slot);
  }

  /** Marks a schedule that cannot be read, so that it is no longer due. */
  break(name: string, why: string): Promise<boolean> {
    return this.#set(name, "break", why);
  }

  async #set(name: string, what: string, detail: RedisArg): Promise<boolean> {
    const [reply] = await this.#run(SET_SCHEDULE, name, [what, detail]);
    return reply === "done";
  }

  /** Removes a schedule; `false` if there was none. */
  async remove(name: string): Promise<boolean> {
    // Not sent again: a second call would report that there was nothing.
    const keys = [this.keys.schedule(name)];
    const args = [this.keys.prefix, name, "", ""];
    const reply = await REMOVE_SCHEDULE.run(this.client, keys, args);
    return refuseUnfit(name, [String(reply)])[0] === "removed";
  }

  /** The last runs of a schedule as JSON, the latest first. */
  async runs(name: string, limit: number): Promise<string[]> {
    const args = [this.keys.scheduleRuns(name), 0, limit - 1];
    const reply = this.client.send("LRANGE", args, RESEND);
    return texts(list(await noWrongType(reply)));
  }

  /** Begins to declare the schedules of a file: what other programs have read of it counts no more. */
  async begin({ file, token }: DeclaredBy): Promise<void> {
    const args = [this.keys.cronFiles, file, token];
    await this.client.send("HSET", args, RESEND);
  }

  /** The token of the program that has read a file last; `null` if Redis knows of none. */
  async tokenOf(file: string): Promise<string | null> {
    const args = [this.keys.cronFiles, file];
    const reply = await noWrongType(this.client.send("HGET", args, RESEND));
    return typeof reply === "string" ? reply : null;
  }

  /** Removes the schedules that a file has declared before, and does no longer; returns their names. */
  async retire({ file, token }: DeclaredBy): Promise<string[]> {
    const retired: string[] = [];
    for (const names of chunks(await this.names(), BATCH)) {
      await Promise.all(names.map(async (name) => {
        const [what] = await this.#run(REMOVE_SCHEDULE, name, [file, token]);
        if (what === "removed") retired.push(name);
      }));
    }
    return retired.sort();
  }

  async #run(
    script: Script,
    name: string,
    args: readonly RedisArg[],
  ): Promise<string[]> {
    const reply = await script.run(
      this.client,
      [this.keys.schedule(name)],
      [this.keys.prefix, name, ...args],
      RESEND,
    );
    return refuseUnfit(
      name,
      Array.isArray(reply) ? texts(reply) : [
        String(reply),
      ],
    );
  }
}

function refuseUnfit(name: string, reply: string[]): string[] {
  if (reply[0] !== "unfit") return reply;
  throw new ReplyError(
    `WRONGTYPE Cannot change schedule "${name}": one of its keys holds another type of value`,
  );
}

function runReply(
  [outcome = "", jobId = "", other = "", why = ""]: readonly string[],
): RunReply {
  return { outcome, jobId, other, why };
}

function storedSchedule(
  name: string,
  score: unknown,
  reply: readonly unknown[],
): StoredSchedule | null {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < reply.length; i += 2) {
    fields.set(String(reply[i]), String(reply[i + 1]));
  }
  if (!fields.has("id")) return null;
  const next = score === null || score === "inf" ? Infinity : Number(score);
  return {
    name,
    next: Number.isNaN(next) ? Infinity : next,
    text: (field) => fields.get(field) || undefined,
  };
}

/** Letters of the name, for those who see the ids of its jobs, and some that nobody has had before. */
function newId(name: string): string {
  const readable = name.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 40);
  const words = readable.replaceAll(/^-|-$/g, "").toLowerCase();
  return `${words || "schedule"}-${crypto.randomUUID().slice(0, 8)}`;
}
