/** Failures of jobs with something special about their retries. */

import type { AddOptions, Ending } from "./support.ts";

/** How a job fails, and what its hash says. */
export type RetryEnding = Pick<Ending, "retry" | "random"> & {
  readonly fields?: NonNullable<AddOptions["fields"]>;
};

/** Some, by what comes of them. */
export const RETRY_ENDINGS: Readonly<Record<string, RetryEnding>> = {
  "retried at its own request": { retry: { type: "again", max: 2 } },
  "scheduled with jitter": {
    fields: { retries_left: 2, retry_intervals: "[600]", x_retry_jitter: 1 },
    random: 0.25,
  },
  "not to be tried again": {
    fields: { retries_left: 2 },
    retry: { type: "never" },
  },
  "too many retries asked for": {
    fields: { number_of_retries: 2 },
    retry: { type: "again", max: 2 },
  },
};
