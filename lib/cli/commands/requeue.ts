/**
 * The command `requeue`, RQ's.
 *
 * @module
 */

import { requeueJob } from "../../queue/by_id.ts";
import { Queue } from "../../queue/queue.ts";
import { changeEach, report, runParts } from "../bulk_command.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags } from "../flags.ts";
import { queuesOf } from "../which_jobs.ts";

const VERB = { infinitive: "requeue", done: "requeued" } as const;

/** Puts failed jobs back on their queues. */
export const command: Command = defineCommand({
  args: "[IDS…]",
  about: [
    "Unlike RQ's, it needs no --queue: without it, jobs are found by their ids, and --all is of all queues. job requeue can say more exactly which jobs are meant.",
  ],
  flags: {
    all: { short: "a", help: "all failed jobs" },
    queue: { short: "q", value: "NAME", help: "the queue of the jobs" },
    json: JSON_FLAG,
  },
  async run(call) {
    const { args, flags, connection, out } = call;
    const { all, queue: name, json } = flags;
    const queues = await queuesOf(name === undefined ? [] : [name], connection);
    const registries = queues.map(({ failedJobRegistry }) => failedJobRegistry);
    const counts = await Promise.all(
      registries.map((registry) => all ? registry.count() : 0),
    );
    const count = counts.reduce((sum, count) => sum + count, 0) || args.length;
    if (!json) {
      await out.line(
        count === 0
          ? "Nothing to do"
          : `Requeueing ${count} jobs from failed queue`,
      );
    }
    if (count === 0 && !json) return;
    if (all) {
      const parts = registries.map((registry) => (options: object) =>
        registry.requeueAll(options)
      );
      return await report(
        { out },
        VERB,
        await runParts(call, VERB, parts),
        json,
      );
    }
    const queue = name === undefined
      ? undefined
      : fromFlags(() => new Queue(name, connection));
    return await changeEach(
      call,
      VERB,
      args,
      (id) =>
        queue?.failedJobRegistry.requeue(id) ?? requeueJob(id, connection),
      json,
    );
  },
});
