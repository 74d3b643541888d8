/** Calls that are sent twice, of jobs that log; see tests/store/replay_test.ts. */

import { addLog } from "../../lib/store/log_lines.ts";
import type { Scene, Twice } from "./replay_test.ts";
import { endOne } from "./support.ts";

const LINES = [["log", "one"], ["stdout", "two"]] as const;

async function logging({ bench, worker, workers }: Twice) {
  await bench.add("a");
  const execution = await bench.claim(worker);
  const add = (most = 1_000) =>
    addLog(workers, execution, { call: 1, most, dropped: 3, lines: LINES });
  return { execution, add };
}

export const LOG_SCENES: [string, Scene][] = [
  ["log", async (twice) => {
    const { add } = await logging(twice);
    return () => add();
  }],
  ["log: too much", async (twice) => {
    const { add } = await logging(twice);
    return () => add(40);
  }],
  ...[500, 0].map((ttl): [string, Scene] => [
    `finish: has a log, kept for ${ttl} s`,
    async (twice) => {
      const { execution, add } = await logging(twice);
      await add();
      return () =>
        endOne(twice.workers, twice.worker, execution, {
          outcome: "finished",
          ttl,
          payload: "",
          workedMs: 5,
          needsHooks: true,
        });
    },
  ]),
];
