/** The size of tests that prove more the longer they run. */

/**
 * A test's size: `short` in an ordinary run, `long` with
 * `deno task test --long`.
 */
export function sized<T>(short: T, long: T): T {
  return Deno.env.get("RQ_TEST_LONG") === "1" ? long : short;
}
