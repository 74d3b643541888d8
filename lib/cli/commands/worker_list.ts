/**
 * The command `worker list`.
 *
 * @module
 */

import { WorkerInfo } from "../../queue/worker_info.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { type Piece, styled } from "../output.ts";

/** Lists workers, Python's too. */
export const command: Command = defineCommand({
  args: "[QUEUES…]",
  about: [
    "With QUEUES, it lists the workers that listen to one of them.",
    "A worker that was killed stays listed for some minutes, as dead.",
  ],
  flags: {
    json: JSON_FLAG,
  },
  async run({ args, flags, connection, out }) {
    const workers = (await WorkerInfo.all(connection)).filter(({ queues }) =>
      args.length === 0 || queues.some((queue) => args.includes(queue))
    );
    if (flags.json) return await out.json(workers);
    if (workers.length === 0) return await out.line("No workers");
    const head = ["NAME", "STATE", "QUEUES", "JOBS", "OK", "FAILED", "WORKED"];
    await out.table([
      [...head, "SEEN", "HOST", "RUNTIME"].map((name) => styled("dim", name)),
      ...workers.map(rowOf),
    ]);
  },
});

function rowOf(worker: WorkerInfo): Piece[] {
  const jobs = worker.currentJobIds;
  return [
    worker.name,
    worker.isAlive ? worker.state : styled("red", "dead"),
    worker.queues.join(","),
    jobs.length > 1 ? `${jobs[0]} and ${jobs.length - 1} more` : jobs[0] ?? "-",
    `${worker.successfulJobCount}`,
    `${worker.failedJobCount}`,
    `${worker.totalWorkingTime.toFixed(1)} s`,
    worker.lastHeartbeat?.toISOString() ?? "?",
    `${worker.hostname ?? "?"}:${worker.pid ?? "?"}`,
    worker.runtime ?? "?",
  ];
}
