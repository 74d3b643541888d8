/**
 * The command `job requeue`.
 *
 * @module
 */

import { Job } from "../../queue/job.ts";
import { Queue } from "../../queue/queue.ts";
import { changeEach, report, runParts } from "../bulk_command.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { UsageError } from "../flags.ts";
import {
  checkWhich,
  FILTER_FLAGS,
  filterOf,
  placesOf,
  QUEUES_FLAG,
  queuesOf,
  STATUS_FLAG,
  statusesOf,
} from "../which_jobs.ts";

const VERB = { infinitive: "requeue", done: "requeued" } as const;

/** Puts jobs back on their queues. */
export const command: Command = defineCommand({
  args: "[IDS…]",
  about: [
    "Jobs that have failed, were stopped or canceled, or have finished are enqueued anew; scheduled ones do not wait until they are due. With --all: all failed and stopped ones, or those that the other flags mean, each once.",
  ],
  flags: {
    all: { short: "a", help: "all that the flags below mean" },
    queue: QUEUES_FLAG,
    status: {
      ...STATUS_FLAG,
      help:
        "failed, stopped, canceled, finished or scheduled ones (default: failed,stopped)",
    },
    ...FILTER_FLAGS,
    atFront: { help: "put them at the head of their queues" },
    json: JSON_FLAG,
  },
  async run(call) {
    const { args, flags, connection, out } = call;
    const { all, atFront, json, queue, status, ...filters } = flags;
    const { func, error, tag, worker, since, before } = filters;
    const others = { queue, status, func, error, tag, worker, since, before };
    checkWhich("job requeue", args, all, others);
    if (!all) {
      return await changeEach(call, VERB, args, async (id) => {
        const job = await Job.fetch(id, connection);
        await registryOf(new Queue(job.origin, connection), job)
          .requeue(job, { atFront });
      }, json);
    }
    const filter = filterOf(filters);
    const statuses = statusesOf(
      status.length === 0 ? ["failed,stopped"] : status,
    );
    const queues = await queuesOf(queue, connection);
    const places = queues.flatMap((queue) => placesOf(queue, statuses));
    const parts = places.map(({ place, filter: own }) => {
      const { requeueAll } = place;
      if (requeueAll === undefined) {
        throw new UsageError(`Cannot requeue ${place.statuses[0]} jobs`);
      }
      return (options: object) =>
        requeueAll({ ...filter, ...own, ...options, atFront });
    });
    return await report({ out }, VERB, await runParts(call, VERB, parts), json);
  },
});

/** The registry of a job that can be requeued; of any other job the one that refuses it. */
function registryOf(queue: Queue, { status }: Job): Queue["failedJobRegistry"] {
  switch (status) {
    case "finished":
      return queue.finishedJobRegistry;
    case "canceled":
      return queue.canceledJobRegistry;
    case "scheduled":
      return queue.scheduledJobRegistry;
    default:
      return queue.failedJobRegistry;
  }
}
