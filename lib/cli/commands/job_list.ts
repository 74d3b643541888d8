/**
 * The command `job list`.
 *
 * @module
 */

import type { Job } from "../../queue/job.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { UsageError } from "../flags.ts";
import { type Output, type Piece, type Style, styled } from "../output.ts";
import { relativeText } from "../time_text.ts";
import {
  FILTER_FLAGS,
  filterOf,
  type JobsPlace,
  placesOf,
  QUEUES_FLAG,
  queuesOf,
  STATUS_FLAG,
  statusesOf,
} from "../which_jobs.ts";

/** How many jobs are listed if nobody says how many. */
const LIMIT = 100;

/** How many rows are put into columns together. */
const ROWS = 200;

/** Lists jobs. */
export const command: Command = defineCommand({
  about: [
    "It lists those that run, wait, are scheduled or deferred, then those that have ended, the latest first. With --json, each job is a line.",
  ],
  flags: {
    queue: QUEUES_FLAG,
    status: STATUS_FLAG,
    ...FILTER_FLAGS,
    limit: {
      short: "n",
      value: "N",
      kind: "count",
      help: `how many at most (default: ${LIMIT})`,
    },
    all: { short: "a", help: "no limit" },
    json: JSON_FLAG,
  },
  async run({ flags, connection, out }) {
    if (flags.all && flags.limit !== undefined) {
      throw new UsageError("Cannot use --all and --limit together");
    }
    const filter = filterOf(flags);
    const statuses = statusesOf(flags.status);
    const limit = flags.all ? Infinity : flags.limit ?? LIMIT;
    const queues = await queuesOf(flags.queue, connection);
    const list = flags.json ? new JsonLines(out) : new Table(out);
    for (const { place, filter: own } of inOrder(queues, statuses)) {
      const jobs = place.jobs({ ...filter, ...own }, hasEnded(place));
      for await (const job of jobs) {
        if (list.count === limit) {
          await list.end();
          if (out.isTerminal && !flags.json) {
            await out.line(
              styled("dim", "There are more: --limit N, or --all"),
            );
          }
          return;
        }
        await list.add(job, place);
      }
    }
    await list.end();
  },
});

/** All places of all queues, those of one kind together. */
function inOrder(
  queues: readonly Parameters<typeof placesOf>[0][],
  statuses: ReturnType<typeof statusesOf>,
): ReturnType<typeof placesOf> {
  const all = queues.map((queue) => placesOf(queue, statuses));
  const kinds = all[0]?.length ?? 0;
  return Array.from({ length: kinds }, (_, i) => all.map((one) => one[i]!))
    .flat();
}

function hasEnded({ statuses }: JobsPlace): boolean {
  return ["failed", "finished", "canceled"].includes(statuses[0]!);
}

/** Prints a line of JSON for each job. */
class JsonLines {
  count = 0;
  readonly #out: Output;

  constructor(out: Output) {
    this.#out = out;
  }

  async add(job: Job, place: JobsPlace): Promise<void> {
    this.count++;
    const time = await place.timeOf(job);
    const dict = { id: job.id, ...job.toDict(), tags: job.tags };
    const due = job.status === "scheduled" ? { due: time } : {};
    await this.#out.json({ ...dict, ...due });
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

/** Prints jobs in columns. */
class Table {
  count = 0;
  readonly #out: Output;
  #rows: Piece[][] = [
    ["ID", "STATUS", "QUEUE", "WHEN", "CALL"].map((text) =>
      styled("bold", text)
    ),
  ];

  constructor(out: Output) {
    this.#out = out;
  }

  async add(job: Job, place: JobsPlace): Promise<void> {
    this.count++;
    const status = job.status ?? "?";
    this.#rows.push([
      job.id,
      styled(STYLES[status] ?? "dim", status),
      job.origin,
      relativeText(await place.timeOf(job)),
      job.description,
    ]);
    if (this.#rows.length >= ROWS) await this.end();
  }

  async end(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    if (rows.length > 0) await this.#out.table(rows);
  }
}

const STYLES: Readonly<Record<string, Style>> = {
  started: "blue",
  queued: "yellow",
  failed: "red",
  stopped: "red",
  finished: "green",
};
