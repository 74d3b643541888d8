/** All measurements, in the order in which they are made and shown. */

import type { Measurement } from "../context.ts";
import { burst } from "./burst.ts";
import { processDrains, sharedDrains, starts } from "./drains.ts";
import { bulk, inFlight, limits, one } from "./enqueue.ts";
import { delayedMemory, dueAtOnce, featureRates } from "./features.ts";
import { latencies } from "./latency.ts";
import { memory } from "./memory.ts";
import { scaling } from "./scaling.ts";

/** With `--features`. */
export const FEATURES: readonly Measurement[] = [
  ...featureRates,
  dueAtOnce,
  delayedMemory,
];

/** Without it. */
export const MEASUREMENTS: readonly Measurement[] = [
  one,
  inFlight,
  bulk,
  limits,
  ...processDrains,
  starts,
  ...sharedDrains,
  ...latencies,
  burst,
  memory,
  scaling,
];
