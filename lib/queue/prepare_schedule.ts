/**
 * Checks what is said of a schedule, and encodes what is stored of it.
 *
 * @module
 */

import { checkChoice, optionNames, refuseUnknown } from "../base/options.ts";
import type { JsonOptions } from "../job/json.ts";
import { MISSED, type Missed } from "../job/missed.ts";
import { checkQueueName, checkScheduleName } from "../job/names.ts";
import { DEFAULT_TIMEOUT } from "../job/options.ts";
import { ownOptionsOf } from "../job/own_options.ts";
import type { CallArgs, JobFunction } from "../job/stored.ts";
import { checkTiming, type Timing, type When } from "../job/timetable.ts";
import { packJob } from "../store/new_job.ts";
import type { NewSchedule } from "../store/schedule_store.ts";
import {
  CALL_OPTIONS,
  type CallOptions,
  checkCall,
  type CheckedCall,
  type EnqueueCall,
  heedContract,
} from "./enqueue_call.ts";
import { callNames } from "./func_name.ts";
import { newJobOf } from "./new_job.ts";

/** What becomes of a run while the job of the last one has not ended. */
export type Overlap = "allow" | "skip" | "replace";

/** What {@linkcode Overlap} can be. */
export const OVERLAPS: readonly Overlap[] = ["allow", "skip", "replace"];

/** What a schedule runs and how, without the arguments: every option of a job, and its own. */
export interface ScheduleSettings<F extends JobFunction = JobFunction>
  extends CallOptions<F> {
  /**
   * The name of the queue that its jobs are put on.
   *
   * @default that of a function made by `job()`, else "default"
   */
  readonly queue?: string;
  /**
   * The time zone of a cron expression: an IANA name, such as `"Europe/Berlin"`. Where the clock is set, what falls into
   * an hour that is left out runs once, when the clock is set, and what falls into an hour that comes twice runs in the
   * first. An expression for every hour, such as `0 * * * *`, runs each hour that passes.
   *
   * @default "UTC"
   */
  readonly timeZone?: string;
  /**
   * While the job of the last run has not ended: `allow` runs another one beside it; `skip` skips the run; `replace`
   * cancels the job, as `job.cancel()` does.
   *
   * @default "allow"
   */
  readonly overlap?: Overlap;
  /**
   * What becomes of runs for which no worker was there in time: `once` makes one of all of them; `skip` leaves them out,
   * if they are more than half a minute late; `all` makes each of them, the latest hundred at most.
   *
   * @default "once"
   */
  readonly missed?: Missed;
}

/** What a schedule runs, and how. */
export type ScheduleOptions<F extends JobFunction = JobFunction> =
  & ScheduleSettings<F>
  & CallArgs<F>;

const OPTIONS = optionNames<Required<ScheduleOptions>>({
  ...CALL_OPTIONS,
  queue: true,
  timeZone: true,
  overlap: true,
  missed: true,
});

/** What a schedule does not say is left to the worker. */
const NO_DEFAULTS = { isolation: undefined, fairKey: undefined };

/** A schedule that has been checked, but for the names of its functions. */
export interface CheckedSchedule {
  readonly name: string;
  readonly timing: Timing;
  /** Stores nothing; it only looks for the names of functions. */
  readonly prepare: () => Promise<NewSchedule>;
}

/**
 * Checks a schedule, and encodes its values, so that later changes to them have no effect.
 *
 * @throws {RangeError | TypeError} It names what is wrong, and says what it could be.
 */
export function checkSchedule(
  name: string,
  when: When,
  options: ScheduleOptions,
  json: JsonOptions,
): CheckedSchedule {
  checkScheduleName(name);
  refuseUnknown(options, OPTIONS, `Cannot schedule "${name}"`);
  const { timeZone, overlap = "allow", missed = "once" } = options;
  const queue = options.queue ?? ownOptionsOf(options.func)?.queue ?? "default";
  checkQueueName(queue);
  checkChoice("overlap", overlap, OVERLAPS);
  checkChoice("missed", missed, MISSED);
  const timing = checkTiming(when, timeZone);
  const checked = checkCall(callOf(options), DEFAULT_TIMEOUT, json);
  const prepare = async () => {
    await heedContract(options.func, checked);
    const names = await callNames(options.func, checked.options.callbacks);
    return {
      name,
      timing: JSON.stringify(timing),
      job: packJob(newJobOf(checked, names, queue, NO_DEFAULTS)),
      fields: {
        queue,
        func_name: names.func,
        overlap,
        missed,
        has_job_id: checked.options.jobId === undefined ? 0 : 1,
        cron_job: JSON.stringify(
          cronJob({ name, timing, queue, funcName: names.func, checked }),
        ),
      },
    };
  };
  return { name, timing, prepare };
}

function callOf(options: ScheduleOptions): EnqueueCall {
  const { queue: _q, timeZone: _t, overlap: _o, missed: _m, ...call } = options;
  return call;
}

/** What {@linkcode cronJob} is made of. */
interface CronJobParts {
  readonly name: string;
  readonly timing: Timing;
  readonly queue: string;
  readonly funcName: string;
  readonly checked: CheckedCall;
}

/**
 * A schedule as `rq.cron.CronJob.to_dict()` has it, without its times; `null` for an expression that RQ cannot read:
 * it would list no schedule of the whole program then.
 */
function cronJob(
  { name, timing, queue, funcName, checked }: CronJobParts,
): Record<string, unknown> | null {
  const cron = "cron" in timing ? pythonCron(timing.cron) : null;
  if ("cron" in timing && cron === null) return null;
  const { options, argsJson, kwargsJson, metaJson } = checked;
  const { timeout, resultTtl, ttl, failureTtl } = options;
  return {
    func_name: funcName,
    name,
    queue_name: queue,
    args: argsJson === "[]" ? null : argsJson,
    kwargs: kwargsJson === "{}" ? null : kwargsJson,
    interval: "every" in timing ? timing.every : null,
    cron,
    job_timeout: timeout,
    ...(resultTtl === undefined ? {} : { result_ttl: resultTtl }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(failureTtl === undefined ? {} : { failure_ttl: failureTtl }),
    ...(metaJson === "{}" ? {} : { meta: metaJson }),
  };
}

/** Numbers, names, lists, ranges and steps; `croniter` knows neither `W` nor `?`, and writes `L` and `#` otherwise. */
const FOR_PYTHON = /^[\d*,/-]+$|^[a-z]{3}([,-][a-z]{3})*$/i;

/** An expression as `croniter` reads it: the second comes last. */
function pythonCron(expression: string): string | null {
  const fields = expression.split(" ");
  if (!fields.every((field) => FOR_PYTHON.test(field))) return null;
  const second = fields.length === 6 ? fields.splice(0, 1) : [];
  return [...fields, ...second].join(" ");
}
