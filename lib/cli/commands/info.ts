/**
 * The command `info`, RQ's.
 *
 * @module
 */

import { pause } from "../../base/timers.ts";
import { parseDuration } from "../../base/duration.ts";
import { WorkerInfo } from "../../queue/worker_info.ts";
import type { ConnectionOptions } from "../../store/connection.ts";
import type { JobStore } from "../../store/job_store.ts";
import { queueCounts } from "../../store/queue_counts.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags } from "../flags.ts";
import { type Info, infoLines } from "../info_view.ts";

/** Clears the screen. */
const CLEAR = "\x1b[2J\x1b[H";

/** Shows queues and workers. Unlike RQ's, it changes nothing: it looks past what has expired, and does not remove it. */
export const command: Command = defineCommand({
  args: "[QUEUES…]",
  about: ["Without QUEUES, it shows all of them."],
  flags: {
    interval: {
      short: "i",
      value: "TIME",
      help: "show it again and again, after so many seconds",
    },
    raw: { short: "r", help: "print only the raw numbers, no bar charts" },
    onlyQueues: { short: "Q", help: "show only queues" },
    onlyWorkers: { short: "W", help: "show only workers" },
    byQueue: { short: "R", help: "show the workers of each queue" },
    json: JSON_FLAG,
  },
  async run(call) {
    const { args, flags, connection, store, out } = call;
    const interval = fromFlags(() =>
      flags.interval === undefined
        ? undefined
        : parseDuration(secondsOf(flags.interval), "--interval", {
          fraction: true,
        })
    );
    const view = {
      raw: flags.raw,
      byQueue: flags.byQueue,
      // As in RQ, of both flags the first counts.
      hidesQueues: flags.onlyWorkers && !flags.onlyQueues,
      hidesWorkers: flags.onlyQueues,
    };
    for (;;) {
      const info = await look(store, connection, args, view.hidesWorkers);
      if (flags.json) await out.json(info);
      else {
        const lines = infoLines(info, view, out);
        const text = lines.map((line) => `${out.text(...line)}\n`).join("");
        const clears = interval !== undefined && out.isTerminal;
        await out.raw(clears ? CLEAR + text : text);
      }
      if (interval === undefined) return;
      await pause(interval * 1_000, call.signal);
      if (call.signal.aborted) return;
    }
  },
});

/** `0.5` is no duration as text. */
function secondsOf(text: string): string | number {
  return /^\d*\.\d+$/.test(text) ? Number(text) : text;
}

/** Reads what is shown. If queues are named, their workers; workers of several of them once. */
async function look(
  store: JobStore,
  connection: ConnectionOptions,
  named: readonly string[],
  noWorkers: boolean,
): Promise<Info> {
  const names = named.length === 0
    ? await store.queueNames()
    : [...new Set(named)];
  const [queues, workers] = await Promise.all([
    queueCounts(store, names),
    noWorkers ? [] : WorkerInfo.all(connection),
  ]);
  if (named.length === 0) return { queues, workers };
  const ofThem = workers.filter((worker) =>
    worker.queues.some((queue) => names.includes(queue))
  );
  return { queues, workers: ofThem };
}
