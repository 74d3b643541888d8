/** Schedules for tests of the store. */

import { packJob } from "../../lib/store/new_job.ts";
import {
  type DeclaredBy,
  type DueSchedule,
  type RunReply,
  ScheduleStore,
} from "../../lib/store/schedule_store.ts";
import type { ScheduleFields } from "../../lib/store/fields.ts";
import { texts } from "../../lib/store/replies.ts";
import { type AddOptions, type Bench, newJob } from "./support.ts";

/** What {@linkcode put} may be told of a schedule. */
export interface PutOptions extends AddOptions {
  readonly timing?: string;
  /** Its first slot, in seconds since 1970. @default long ago */
  readonly slot?: number;
  readonly declared?: DeclaredBy;
  readonly jobId?: string;
  readonly hash?: ScheduleFields;
}

/** A slot that has passed. */
export const SLOT = 1_000;

/** The store of a bench. */
export function storeOf({ client, keys }: Bench): ScheduleStore {
  return new ScheduleStore(client, keys);
}

/** Stores a schedule of a job. */
export function put(
  store: ScheduleStore,
  name: string,
  options: PutOptions = {},
): Promise<{ before: string } | null> {
  // so long that no slot comes while a test runs
  const { timing = '{"every":1000000}', slot = SLOT, declared, jobId } =
    options;
  const job = packJob(newJob(jobId ?? "any", options));
  const fields: ScheduleFields = {
    queue: options.queue ?? "q",
    func_name: "jobs.f",
    overlap: "allow",
    missed: "once",
    has_job_id: jobId === undefined ? 0 : 1,
    cron_job: "null",
    ...options.hash,
  };
  return store.upsert({ name, timing, job, fields }, slot, declared);
}

/** A schedule as it is due. */
export function due(name: string, slot: number = SLOT): DueSchedule {
  return { name, slot: `${slot}`, timing: "", start: "", missed: "" };
}

/** Claims a slot, which is a minute before the next one. */
export function claimSlot(
  store: ScheduleStore,
  name: string,
  slot: number = SLOT,
): Promise<RunReply> {
  return store.claim(due(name, slot), { slot, run: true, next: slot + 60 });
}

/** The next slot of a schedule, as stored. */
export async function slotOf(bench: Bench, name: string): Promise<string> {
  return texts([await bench.send("ZSCORE", bench.keys.schedules, name)])[0]!;
}
