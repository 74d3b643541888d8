/**
 * Everything that has to hold before a change lands, one check after the other.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { captureDeno, runDeno, say } from "./deno.ts";
import { exists } from "./files.ts";
import { tally } from "./junit.ts";
import { dryRun } from "./publish.ts";
import { testArgs } from "./tests.ts";

/** How the checks went. */
export interface Summary {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

/** The check of everything by tools, by name: the arguments of `deno`. */
function toolChecks(importFlags: readonly string[]): [string, string[]][] {
  const entries = Object.values(config.exports);
  return [
    ["format", ["fmt", "--check"]],
    ["lint", ["lint"]],
    // Only programs may print: examples, tasks, tests.
    ["no console in the library", [
      "lint",
      "--rules-include=no-console",
      "mod.ts",
      "worker.ts",
      "lib",
    ]],
    ["doc lint", ["doc", "--lint", ...importFlags, ...entries]],
    ["type check", ["check", ...importFlags, ...sources()]],
  ];
}

/**
 * Runs every check, and ends with one line of counts.
 *
 * @param importFlags see `importFlags()` of `jsr.ts`
 * @param args flags for the tests
 * @param env the environment of the tests
 * @returns the exit code
 */
export async function ok(
  importFlags: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const summary: Summary = { passed: 0, failed: 0, skipped: [] };
  for (const [name, args] of toolChecks(importFlags)) {
    const { success, stdout, stderr } = await captureDeno(args);
    record(summary, name, success, `${stdout}${stderr}`);
  }
  const published = await dryRun(importFlags);
  record(summary, published.name, published.success, published.output);
  await runTests(summary, testArgs(importFlags, args), env);
  return conclude(summary);
}

function record(
  summary: Summary,
  name: string,
  success: boolean,
  output: string,
): void {
  if (success) summary.passed++;
  else {
    summary.failed++;
    say(output);
  }
  say(`${name} ... ${success ? "ok" : "FAILED"}`);
}

async function runTests(
  summary: Summary,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const code = await runDeno([...args, `--junit-path=${report}`], { env });
    const { passed, failed, skipped } = tally(await Deno.readTextFile(report));
    summary.passed += passed;
    // A module that cannot be loaded fails the run, but is no test in the report.
    const other = code !== 0 && failed === 0 || passed + failed === 0;
    if (other) say("Tests failed: some were not executed, see above");
    summary.failed += failed + (other ? 1 : 0);
    summary.skipped.push(...skipped);
  } finally {
    await Deno.remove(report);
  }
}

/** Lists what was skipped, and prints the counts as the last line; gives the exit code. */
export function conclude({ passed, failed, skipped }: Summary): number {
  for (const name of skipped) say(`skipped: ${name}`);
  const line = `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  return failed === 0 ? 0 : 1;
}

function sources(): string[] {
  const files = ["mod.ts", "worker.ts"];
  return [...files, ...["lib", "tests", "examples", ".ci"].flatMap(scripts)];
}

/** The `.ts` files of a folder at every depth; Deno itself passes over hidden folders. */
function scripts(folder: string): string[] {
  if (!exists(folder)) return [];
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return scripts(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}
