/** Proofs that are the better the longer they take. */

/**
 * The size of a proof: the first in each run of the suite, the second where
 * `deno task test --long` asks for all that there is.
 */
export function sized<T>(short: T, long: T): T {
  return Deno.env.get("RQ_TEST_LONG") === "1" ? long : short;
}
