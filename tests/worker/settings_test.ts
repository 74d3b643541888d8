/** The one list of settings, and what has to agree with it. */

import { assertEquals, assertThrows } from "@std/assert";
import { SETTINGS_TABLE, settingsTable } from "../../.ci/readme.ts";
import { checkSettings } from "../../lib/worker/check_settings.ts";
import type { WorkerOptions } from "../../lib/worker/options.ts";
import { SETTING_LIST, shownDefault } from "../../lib/worker/settings.ts";
import { ROOT } from "../support/paths.ts";

/** The cells of a table in Markdown, whatever their width. */
function cellsOf(table: string): string[][] {
  const rows = table.trim().split("\n").map((row) =>
    row.replaceAll("\\", "").split("|").slice(1, -1).map((cell) => cell.trim())
  );
  return rows.filter((cells) => !cells.every((cell) => /^-+$/.test(cell)));
}

Deno.test("the README's table of settings is the one that `deno task readme` writes", async () => {
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  const [table = ""] = SETTINGS_TABLE.exec(readme) ?? [];
  assertEquals(cellsOf(table), cellsOf(settingsTable()));
});

Deno.test("the @default tags of WorkerOptions are the defaults of the settings", async () => {
  const source = await Deno.readTextFile(`${ROOT}/lib/worker/options.ts`);
  const tags = source.matchAll(
    /@default (.+)\n +\*\/\n +readonly (\w+)\?:/g,
  );
  const documented = [...tags].map(([, text, option]) => {
    const plain = text!.replaceAll(/["`]|(?<=\d)_(?=\d)/g, "");
    return [option, plain === "[]" ? "none" : plain];
  });
  // The others are those of everything that has a connection.
  const [, ownOptions = ""] = source.split("interface WorkerOptions");
  const own = SETTING_LIST.filter(({ option }) =>
    ownOptions.includes(` ${option}?:`)
  );
  assertEquals(
    Object.fromEntries(documented),
    Object.fromEntries(own.map((s) => [s.option, shownDefault(s)])),
  );
});

Deno.test("the variables of the environment that are read are those that the README names", async () => {
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  const files = [
    "lib/redis/environment.ts",
    "lib/store/keys.ts",
    "lib/cli/settings_file.ts",
  ];
  const sources = files.map((file) => Deno.readTextFileSync(`${ROOT}/${file}`));
  const read = sources.join().matchAll(/"((?:RQ_|REDIS_)[A-Z_]+)"/g);
  const named = readme.matchAll(/`((?:RQ_|REDIS_)[A-Z_]+)(?==\w+`|`)/g);
  const others = [
    "RQ_PYTHON", // the tests'
    "RQ_WORKER_ID", // the jobs', who may read it
    "RQ_JOB_ID", // RQ's, which there is not
  ];
  assertEquals(
    [...new Set([...read].map(([, name]) => name))].sort(),
    [...new Set([...named].map(([, name]) => name!))]
      .filter((name) => !others.includes(name)).sort(),
  );
});

Deno.test("no flag is declared twice", () => {
  for (const name of ["flag", "short"] as const) {
    const given = SETTING_LIST.map((setting) => setting[name])
      .filter((text) => text !== undefined);
    assertEquals(given, [...new Set(given)]);
  }
});

Deno.test("the defaults of the settings are values that they take themselves", () => {
  const defaults = SETTING_LIST
    // Only with processes that several jobs use.
    .filter(({ option }) => option !== "maxMemoryPerProcess")
    .filter((setting) => setting.default !== undefined)
    .map((setting) => [setting.option, setting.default]);
  checkSettings("low", Object.fromEntries(defaults));
});

const WRONG: readonly [string, unknown, string][] = [
  ["burst", "yes", 'Cannot use burst "yes": expected true or false'],
  ["execPath", 1, "Cannot use execPath 1: expected a text"],
  ["paths", "jobs", 'Cannot use paths "jobs": expected a list of texts'],
  ["jobModules", [1], "Cannot use jobModules 1: expected a list of texts"],
  [
    "dequeueStrategy",
    "roundrobin",
    'Cannot use dequeueStrategy "roundrobin": expected default, round_robin, random, weighted:QUEUE=N,…; did you mean round_robin?',
  ],
  ...[
    "weighted:",
    "weighted:low",
    "weighted:low=0",
    "weighted:low=1.5",
    "weighted:low=1001",
    "weighted:low=1,low=2",
  ].map((strategy): [string, unknown, string] => [
    "dequeueStrategy",
    strategy,
    `Cannot use dequeueStrategy "${strategy}": expected weighted:QUEUE=N,…, each queue once, with a whole number from 1 to 1000`,
  ]),
  [
    "dequeueStrategy",
    "weighted:low=1,hihg=2",
    'Cannot use dequeueStrategy "weighted:low=1,hihg=2": the worker has no queue "hihg"',
  ],
  [
    "concurrency",
    1_001,
    "Cannot use concurrency 1001: expected a whole number from 1 to 1000",
  ],
  ["maxJobs", "5", 'Cannot use maxJobs "5": expected a whole number from 1'],
  [
    "jobMonitoringInterval",
    6,
    "Cannot use jobMonitoringInterval 6: leases last 15 seconds, so that 5 is the most",
  ],
  [
    "maxJobsPerProcess",
    5,
    'Cannot use maxJobsPerProcess: isolation "process" gives each job a process of its own, "reuse" and "shared" do not',
  ],
];

Deno.test.each([...WRONG])(
  "a setting of a wrong value is refused and named: %s %j",
  (option, value, message) => {
    const options = { [option]: value } as WorkerOptions;
    const error = assertThrows(() => checkSettings("low", options));
    assertEquals((error as Error).message, message);
  },
);

Deno.test("an option that is undefined counts as not given", () => {
  const given = Object.fromEntries(
    SETTING_LIST.map(({ option }) => [option, undefined]),
  );
  const { concurrency, maxJobs, isolationOf } = checkSettings("low", given);
  assertEquals([concurrency, maxJobs, isolationOf("low")], [
    1,
    Infinity,
    "process",
  ]);
});
