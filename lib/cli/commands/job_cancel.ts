/**
 * The command `job cancel`.
 *
 * @module
 */

import { cancelJob } from "../../queue/by_id.ts";
import { changeEach, report, runParts } from "../bulk_command.ts";
import {
  type Command,
  defineCommand,
  JSON_FLAG,
  YES_FLAG,
} from "../command.ts";
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

const VERB = { infinitive: "cancel", done: "canceled" } as const;

/** Those that wait. */
const DEFAULT = "queued,rate_limited,scheduled,deferred";

/** Cancels jobs. */
export const command: Command = defineCommand({
  args: "[IDS…]",
  about: [
    "A canceled job will not run; it is kept, and can be requeued. One that runs is stopped. With --all: all that wait, or those that the other flags mean.",
  ],
  flags: {
    all: { short: "a", help: "all that the flags below mean" },
    queue: QUEUES_FLAG,
    status: {
      ...STATUS_FLAG,
      help: `${STATUS_FLAG.help} (default: ${DEFAULT})`,
    },
    ...FILTER_FLAGS,
    json: JSON_FLAG,
    yes: YES_FLAG,
  },
  async run(call) {
    const { args, flags, connection, out, confirm } = call;
    const { all, yes, json, queue, status, ...filters } = flags;
    checkWhich("job cancel", args, all, { queue, status, ...filters });
    if (!all) {
      const cancel = (id: string) => cancelJob(id, connection);
      return await changeEach(call, VERB, args, cancel, json);
    }
    const filter = filterOf(filters);
    const statuses = statusesOf(status.length === 0 ? [DEFAULT] : status);
    const queues = await queuesOf(queue, connection);
    const parts = queues.flatMap((queue) => placesOf(queue, statuses)).map(
      ({ place, filter: own }) => (options: object) =>
        place.cancelAll({ ...filter, ...own, ...options }),
    );
    if (queues.length > 0) {
      await confirm(questionOf("Cancel", statuses, queues, filter), yes);
    }
    return await report({ out }, VERB, await runParts(call, VERB, parts), json);
  },
});
