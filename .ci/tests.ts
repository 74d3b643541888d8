/**
 * How the tests are run, by `deno task test` and by `deno task ok` alike.
 *
 * @module
 */

import { exists } from "./files.ts";

/** What is tested by default: the tests, and the snippets in the documentation. */
const EVERYTHING = [
  ...["tests", "mod.ts", "worker.ts", "lib"],
  ...["README.md", ".github"],
];

/** Where the tests with Python's RQ are. */
const INTEROP = "tests/interop";

/** Flags of `deno test` whose value is the next argument. */
const WITH_VALUE = ["--filter"];

/** Of whoever wants the slow proofs at their full length, see `tests/support/long.ts`. */
const LONG = "--long";

/**
 * The arguments of `deno` that run the tests.
 *
 * @param importFlags see `importFlags()` of `jsr.ts`
 * @param args further flags, and what to test if not everything
 */
export function testArgs(
  importFlags: readonly string[],
  args: readonly string[],
): string[] {
  const all = paths(args).length === 0;
  return [
    "test",
    "--allow-all",
    "--parallel",
    ...importFlags,
    ...(all ? ["--doc"] : []),
    ...args.filter((arg) => arg !== LONG),
    ...(all ? EVERYTHING.filter(exists) : []),
  ];
}

/** The environment of the tests. */
export function testEnv(
  redisUrl: string,
  args: readonly string[],
): Record<string, string> {
  // Most of their time, tests wait for leases to run out: two at once leave half of two cores idle.
  const jobs = Deno.env.get("DENO_JOBS") ?? "3";
  return {
    DENO_JOBS: jobs,
    REDIS_URL: redisUrl,
    ...(args.includes(LONG) ? { RQ_TEST_LONG: "1" } : {}),
  };
}

/** Whether tests across languages are among those that are asked for. */
export function needsPython(args: readonly string[]): boolean {
  const wanted = paths(args).map((path) => path.replace(/^\.\//, ""));
  return wanted.length === 0 ||
    wanted.some((path) =>
      `${path}/`.startsWith(`${INTEROP}/`) ||
      INTEROP.startsWith(path.replace(/\/*$/, "/"))
    );
}

/** What is to be tested, as far as it is named. */
function paths(args: readonly string[]): string[] {
  return args.filter((arg, i) =>
    !arg.startsWith("-") && !WITH_VALUE.includes(args[i - 1] ?? "")
  );
}
