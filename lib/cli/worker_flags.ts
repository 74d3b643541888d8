/**
 * Converts the flags of the command line to the options of a worker.
 *
 * @module
 */

import { parseDuration } from "../base/duration.ts";
import { checkChoice } from "../base/options.ts";
import { type Isolation, ISOLATIONS } from "../job/isolation.ts";
import { checkSetting } from "../worker/check_setting.ts";
import { MAX_HEARTBEAT } from "../worker/check_settings.ts";
import type { WorkerOptions } from "../worker/options.ts";
import { type ParsedFlags, UsageError } from "./flags.ts";
import { FLAG_SETTINGS, type FlagSetting } from "./worker_flag_list.ts";

/** Options whose flag does not correspond to them directly. */
const READ_APART: ReadonlySet<string> = new Set([
  "isolation",
  "jobMonitoringInterval",
]);

/**
 * The options of a worker, read from flags.
 *
 * @param warn Called with a sentence about a value that was changed.
 * @throws {RangeError | TypeError | UsageError} It names the flag whose value is wrong.
 */
export function workerOptions(
  flags: ParsedFlags,
  warn: (text: string) => void,
): WorkerOptions {
  const options = {
    ...readSettings(flags),
    ...isolationFlag(flags),
    jobMonitoringInterval: heartbeatFlag(flags, warn),
    permissions: flags.jobPermissions,
  };
  const given = Object.entries(options).filter(([, v]) => v !== undefined);
  return Object.fromEntries(given) as WorkerOptions;
}

function readSettings(flags: ParsedFlags): Record<string, unknown> {
  const values = FLAG_SETTINGS
    .filter(({ option }) => !READ_APART.has(option))
    .map((setting) => [setting.option, readSetting(setting, flags)]);
  return Object.fromEntries(values);
}

/** Reads a setting. It is checked here too, so that an error names the flag rather than the option. */
function readSetting(setting: FlagSetting, flags: ParsedFlags): unknown {
  const { kind, flag } = setting;
  if (kind === "switch") {
    return flags.switches.has(flag) ? !setting.default : undefined;
  }
  const texts = flags.values.get(flag);
  if (texts === undefined) return undefined;
  const value = valueOf(kind, texts);
  checkSetting(setting, value, `--${flag}`);
  return value;
}

function valueOf(kind: FlagSetting["kind"], texts: readonly string[]): unknown {
  const [first = ""] = texts;
  switch (kind) {
    case "texts":
      return texts;
    case "list":
      return splitList(texts);
    case "count":
      return /^\d+$/.test(first) ? Number(first) : first;
    default:
      return first;
  }
}

/** The queues that a command line names, in order of priority. */
export function queuesOf({ positional, values }: ParsedFlags): string[] {
  const queues = [...splitList(values.get("queues") ?? []), ...positional];
  return queues.length === 0 ? ["default"] : queues;
}

/** The entries of values that are separated by commas, or given several times. */
function splitList(texts: readonly string[]): string[] {
  return texts.flatMap((list) => list.split(","))
    .map((entry) => entry.trim());
}

/** `WAY` for all queues, `QUEUE=WAY` for one. */
function isolationFlag(
  { values }: ParsedFlags,
): Pick<WorkerOptions, "isolation" | "queueIsolation"> {
  const ways = new Map<string | undefined, Isolation>();
  for (const value of values.get("isolation") ?? []) {
    const at = value.lastIndexOf("=");
    const queue = at < 0 ? undefined : value.slice(0, at);
    if (ways.has(queue)) {
      throw new UsageError(
        `--isolation was given twice${queue ? ` for queue ${queue}` : ""}`,
      );
    }
    const way = checkChoice("--isolation", value.slice(at + 1), ISOLATIONS);
    ways.set(queue, way);
  }
  const usual = ways.get(undefined);
  ways.delete(undefined);
  return {
    ...(usual === undefined ? {} : { isolation: usual }),
    queueIsolation: Object.fromEntries(ways),
  };
}

/** The heartbeat interval, 30 seconds in RQ. One that is too long for a lease is shortened, with a warning. */
function heartbeatFlag(
  { values }: ParsedFlags,
  warn: (text: string) => void,
): string | number | undefined {
  const value = values.get("job-monitoring-interval")?.[0];
  if (value === undefined) return undefined;
  const seconds = parseDuration(value, "--job-monitoring-interval");
  if (seconds <= MAX_HEARTBEAT) return value;
  warn(
    `--job-monitoring-interval ${value} is too long for leases of 15 seconds: heartbeats come every ${MAX_HEARTBEAT} seconds`,
  );
  return MAX_HEARTBEAT;
}
