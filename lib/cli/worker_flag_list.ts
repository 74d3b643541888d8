/**
 * The flags of the command `worker`: those of a worker's settings, the program's own, and RQ's. Parsing, usage and
 * suggestions are made from this list.
 *
 * @module
 */

import {
  describeSetting,
  type NamedSetting,
  SETTING_LIST,
  shownDefault,
} from "../worker/settings.ts";
import type { SettingKind } from "../worker/check_setting.ts";
import { CONFIG_FLAG, RQ_FLAGS } from "./common_flags.ts";
import type { Flag } from "./flags.ts";

/** A setting that has a flag. */
export type FlagSetting = NamedSetting & { readonly flag: string };

/** The settings of a worker that have a flag. */
export const FLAG_SETTINGS: readonly FlagSetting[] = SETTING_LIST.filter(
  (setting): setting is FlagSetting => setting.flag !== undefined,
);

/** The names of values in the usage, by kind. */
const VALUES: Readonly<Partial<Record<SettingKind, string>>> = {
  count: "N",
  duration: "TIME",
  size: "SIZE",
};

function flagOf(setting: FlagSetting): Flag {
  const { kind, flag: name, short } = setting;
  const common = short === undefined ? { name } : { name, short };
  const help = describeSetting(setting);
  if (kind === "switch") return { ...common, help };
  return {
    ...common,
    // The flags of deno are values of this one.
    ...(name === "job-deno-arg" ? { takesFlags: true } : {}),
    ...(setting.choices === undefined ? {} : { choices: setting.choices }),
    value: setting.value ?? VALUES[kind] ?? "VALUE",
    repeatable: setting.repeatable ?? (kind === "texts" || kind === "list"),
    help: `${help} (default: ${shownDefault(setting)})`,
  };
}

/** All flags. */
export const WORKER_FLAGS: readonly Flag[] = [
  {
    name: "queues",
    value: "NAMES",
    repeatable: true,
    help: "queues in order of priority, separated by commas (default: default)",
  },
  ...FLAG_SETTINGS.map(flagOf),
  {
    name: "logging-level",
    short: "l",
    value: "LEVEL",
    help: "DEBUG, INFO, WARNING, ERROR or CRITICAL (default: INFO)",
  },
  {
    name: "log-format",
    value: "FORMAT",
    help:
      "text, json, or a format of Python such as '%(asctime)s %(message)s' (default: text)",
  },
  {
    name: "date-format",
    value: "FORMAT",
    help:
      "the format of times in lines of text, as of Python's strftime (default: %H:%M:%S)",
  },
  { name: "quiet", short: "q", help: "the same as --logging-level WARNING" },
  { name: "verbose", short: "v", help: "the same as --logging-level DEBUG" },
  { name: "pid", value: "FILE", help: "write the process id to a file" },
  {
    name: "heartbeat-file",
    value: "FILE",
    help:
      "a file that exists while it takes jobs, and is written every 5 seconds, for probes",
  },
  {
    name: "until-eof",
    help:
      "begin a warm shutdown when stdin ends, so that it ends with the program that started it",
  },
  CONFIG_FLAG,
  { name: "help", short: "h", help: "show this" },
  { name: "version", short: "V", help: "show the version" },
  {
    name: "with-scheduler",
    short: "s",
    help: "no effect: so it is without --no-scheduler",
    ofRq: true,
  },
  {
    name: "disable-default-exception-handler",
    short: "d",
    help: "no effect",
    ofRq: true,
  },
  ...RQ_FLAGS,
];
