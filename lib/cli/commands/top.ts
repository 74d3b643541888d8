/**
 * The command `top`.
 *
 * @module
 */

import { pause } from "../../base/timers.ts";
import { Queue } from "../../queue/queue.ts";
import { isSuspended } from "../../queue/suspension.ts";
import { WorkerInfo } from "../../queue/worker_info.ts";
import type { ConnectionOptions } from "../../store/connection.ts";
import type { JobStore } from "../../store/job_store.ts";
import { pausedUntil } from "../../store/pauses.ts";
import { queueCounts } from "../../store/queue_counts.ts";
import { runningJobs } from "../../store/running_jobs.ts";
import { type Command, defineCommand } from "../command.ts";
import { UsageError } from "../flags.ts";
import { Keyboard } from "../keyboard.ts";
import { type Output, styled } from "../output.ts";
import { type Moment, topLines } from "../top_view.ts";

/** Another screen, without a cursor, and back. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
/** From the top left; the rest of a line; the rest of the screen. */
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST = "\x1b[J";

/** The most jobs that are read for one screen. */
const MOST_JOBS = 200;

/** Shows queues and workers, again and again. */
export const command: Command = defineCommand({
  args: "[QUEUES…]",
  about: ["Without QUEUES, it shows all of them. q or Ctrl-C ends it."],
  flags: {
    interval: {
      short: "i",
      value: "TIME",
      kind: "duration",
      help: "time between two looks (default: 1)",
    },
  },
  async run({ args, flags, connection, store, out, signal }) {
    if (!out.isTerminal) {
      throw new UsageError("It needs a terminal; info prints the same once");
    }
    const look = () => lookAt(store, connection, args);
    let now = await look(); // an error before the screen is taken is told as ever
    let before: Moment | undefined;
    using keyboard = new Keyboard((key) => key === "q");
    const ended = AbortSignal.any([signal, keyboard.pressed]);
    await out.raw(ENTER);
    try {
      for (;;) {
        await show(now, before, out);
        await pause((flags.interval ?? 1) * 1_000, ended);
        if (ended.aborted) return;
        before = now;
        now = await look();
      }
    } finally {
      await out.raw(LEAVE);
    }
  },
});

async function lookAt(
  store: JobStore,
  connection: ConnectionOptions,
  named: readonly string[],
): Promise<Moment> {
  const names = named.length > 0
    ? [...new Set(named)]
    : (await Queue.all(connection)).map(({ name }) => name);
  const [queues, all, suspended, ends] = await Promise.all([
    queueCounts(store, names),
    WorkerInfo.all(connection),
    isSuspended(connection),
    pausedUntil(store, names),
  ]);
  const workers = named.length === 0
    ? all
    : all.filter(({ queues }) => queues.some((name) => names.includes(name)));
  const ids = workers.flatMap(({ currentJobIds: [id] }) => id ?? []);
  const jobs = await runningJobs(store, ids.slice(0, MOST_JOBS));
  return {
    at: new Date(),
    url: store.client.url,
    queues,
    workers,
    jobs: new Map(jobs.map((job) => [job.id, job])),
    isSuspended: suspended,
    paused: new Set(names.filter((_, i) => ends[i] !== null)),
  };
}

async function show(
  now: Moment,
  before: Moment | undefined,
  out: Output,
): Promise<void> {
  const lines = topLines(now, before, out.width, out.height);
  const hint = [styled("dim", "q: quit")];
  const texts = [...lines, hint].map((line) =>
    `${out.text(...line)}${REST_OF_LINE}`
  );
  await out.raw(`${HOME}${texts.join("\r\n")}${REST}`);
}
