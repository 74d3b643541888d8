/** How long a worker takes that finds nothing to do. */

import { runToEnd } from "../children.ts";
import type { Measurement } from "../context.ts";

/** From start to exit on an empty queue. */
export const burst: Measurement = {
  name: "burst",
  metrics: [
    {
      id: "burst.ms",
      title: "start to exit on an empty queue (--burst)",
      unit: "ms",
    },
  ],
  async run(system) {
    const program = system.burstWorker();
    const start = performance.now();
    await runToEnd(program, 30_000);
    return { "burst.ms": performance.now() - start };
  },
};
