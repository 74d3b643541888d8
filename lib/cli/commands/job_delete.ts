/**
 * The command `job delete`.
 *
 * @module
 */

import { NoSuchJobError } from "../../base/errors.ts";
import { deleteJob } from "../../queue/by_id.ts";
import { changeEach, report, runParts } from "../bulk_command.ts";
import {
  type Command,
  defineCommand,
  JSON_FLAG,
  YES_FLAG,
} from "../command.ts";
import { UsageError } from "../flags.ts";
import {
  checkWhich,
  FILTER_FLAGS,
  filterOf,
  placesOf,
  questionOf,
  QUEUES_FLAG,
  queuesOf,
  STATUS_FLAG,
  statusesOf,
} from "../which_jobs.ts";

const VERB = { infinitive: "delete", done: "deleted" } as const;

/** Deletes jobs. */
export const command: Command = defineCommand({
  args: "[IDS…]",
  about: [
    "Jobs are deleted with their results. A job that runs is stopped. With --all: those of the statuses that --status names, and that the other flags mean; it takes none that run.",
  ],
  flags: {
    all: { short: "a", help: "all that the flags below mean" },
    queue: QUEUES_FLAG,
    status: STATUS_FLAG,
    ...FILTER_FLAGS,
    json: JSON_FLAG,
    yes: YES_FLAG,
  },
  async run(call) {
    const { args, flags, connection, out, confirm } = call;
    const { all, yes, json, queue, status, ...filters } = flags;
    checkWhich("job delete", args, all, { queue, status, ...filters });
    if (!all) {
      const jobs = args.length === 1 ? `job ${args[0]}` : `${args.length} jobs`;
      await confirm(`Delete ${jobs}?`, yes);
      return await changeEach(call, VERB, args, async (id) => {
        if (await deleteJob(id, connection)) return;
        throw new NoSuchJobError(`No such job "${id}"`, { jobId: id });
      }, json);
    }
    if (status.length === 0) {
      throw new UsageError("job delete --all needs --status");
    }
    const filter = filterOf(filters);
    const statuses = statusesOf(status);
    const queues = await queuesOf(queue, connection);
    const parts = queues.flatMap((queue) => placesOf(queue, statuses))
      .map(({ place, filter: own }) => {
        const { deleteAll } = place;
        if (deleteAll === undefined) {
          throw new UsageError(
            `Cannot delete ${place.statuses[0]} jobs: cancel them first`,
          );
        }
        return (options: object) =>
          deleteAll({ ...filter, ...own, ...options });
      });
    if (queues.length > 0) {
      await confirm(questionOf("Delete", statuses, queues, filter), yes);
    }
    return await report({ out }, VERB, await runParts(call, VERB, parts), json);
  },
});
