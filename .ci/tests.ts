/**
 * How the tests are run, by `deno task test` and by `deno task ok` alike.
 *
 * @module
 */

/** What is tested by default: the tests, and the snippets in the documentation. */
const EVERYTHING = ["tests", "mod.ts", "worker.ts", "lib", "README.md"];

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
  const all = args.every((arg) => arg.startsWith("-"));
  return [
    "test",
    "--allow-all",
    "--parallel",
    ...importFlags,
    ...(all ? ["--doc"] : []),
    ...args,
    ...(all ? EVERYTHING.filter(exists) : []),
  ];
}

/** The environment of the tests. */
export function testEnv(redisUrl: string): Record<string, string> {
  // More at once starve the tests that measure time, on a machine with two cores.
  const jobs = Deno.env.get("DENO_JOBS") ?? "2";
  return { DENO_JOBS: jobs, REDIS_URL: redisUrl };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
