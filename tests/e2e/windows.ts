/** Whether jobs have started within the windows of their rate limit. */

import { assert } from "@std/assert";
import type { Job } from "../../mod.ts";
import type { Bench } from "./support.ts";

/** When jobs have started, by Redis' clock, in microseconds, in their order. */
export async function startsOf(
  bench: Bench,
  jobs: readonly Job[],
): Promise<number[]> {
  const dates = await Promise.all(
    jobs.map(({ id }) => bench.field(`rq:job:${id}`, "started_at")),
  );
  const micros = dates.map((date) => {
    const [, second = "", fraction = ""] = /^(.*)\.(\d{6})Z$/.exec(date!)!;
    return Date.parse(`${second}Z`) * 1_000 + Number(fraction);
  });
  return micros.sort((a, b) => a - b);
}

/** That no time as long as `per` seconds, wherever it begins, has more than so many starts. */
export function assertWindows(
  starts: readonly number[],
  limit: number,
  per: number,
): void {
  for (let i = 0; i + limit < starts.length; i++) {
    const took = starts[i + limit]! - starts[i]!;
    assert(
      took >= per * 1_000_000 - 1, // numbers that scripts compare are rounded
      `${limit + 1} starts within ${took} µs: ${starts}`,
    );
  }
}
