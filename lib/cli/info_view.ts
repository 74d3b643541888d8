/**
 * What `info` shows, in RQ's words.
 *
 * @module
 */

import type { WorkerInfo } from "../queue/worker_info.ts";
import type { QueueCounts } from "../store/queue_counts.ts";
import { type Output, type Piece, styled } from "./output.ts";

/** What is shown. */
export interface Info {
  readonly queues: readonly QueueCounts[];
  readonly workers: readonly WorkerInfo[];
}

/** How it is shown. */
export interface View {
  /** Numbers only, a line each that begins with what it is about. */
  readonly raw: boolean;
  readonly byQueue: boolean;
  readonly hidesQueues: boolean;
  readonly hidesWorkers: boolean;
}

/** The most characters of a bar. */
const BAR = 20;
/** How many jobs a full bar may stand for. */
const SCALES = [20, 50, 100, 200, 400, 600, 800, 1_000];

const STATE_STYLES = {
  busy: "red",
  idle: "green",
  suspended: "yellow",
} as const;

/** A line, as pieces. */
type Line = readonly Piece[];

/** The lines of `info`. */
export function infoLines(info: Info, view: View, out: Output): Line[] {
  const parts = [
    ...(view.hidesQueues ? [] : [queueLines(info, view, out.width)]),
    ...(view.hidesWorkers ? [] : [workerLines(info, view)]),
  ];
  if (view.raw) return parts.flat();
  const lines = parts.flatMap((part, i) => i === 0 ? part : [[], ...part]);
  const isBoth = parts.length > 1;
  return isBoth ? [...lines, [], [`Updated: ${timeText(new Date())}`]] : lines;
}

function queueLines({ queues }: Info, { raw }: View, width: number): Line[] {
  const most = queues.reduce((most, { count }) => Math.max(most, count), 0);
  const scale = SCALES.find((scale) => most <= scale) ?? most;
  const length = Math.max(1, Math.min(BAR, width - BAR));
  const lines = queues.map((queue): Line => {
    const { name, count, started, finished, failed } = queue;
    const rest =
      `${count}, ${started} executing, ${finished} finished, ${failed} failed`;
    if (raw) return [`queue ${name} ${rest}`];
    const bar = "█".repeat(Math.floor(count / scale * length));
    return [`${name.padEnd(12)} `, styled("green", `|${bar}`), ` ${rest}`];
  });
  if (raw) return lines;
  const total = queues.reduce((sum, { count }) => sum + count, 0);
  return [...lines, [`${queues.length} queues, ${total} jobs total`]];
}

function workerLines(info: Info, view: View): Line[] {
  const lines = view.byQueue
    ? linesByQueue(info)
    : info.workers.map((worker) => workerLine(worker, view.raw));
  if (view.raw) return lines;
  const { workers, queues } = info;
  return [...lines, [`${workers.length} workers, ${queues.length} queues`]];
}

function workerLine(worker: WorkerInfo, raw: boolean): Line {
  const { name, hostname, ipAddress, pid, queues } = worker;
  const where = [hostname, ipAddress, pid].map((part) => part ?? "?").join(" ");
  const counts =
    `${worker.successfulJobCount} finished, ${worker.failedJobCount} failed`;
  const rest = ` ${queues.join(", ")}. jobs: ${counts}`;
  return raw
    ? [`worker ${name} (${where}) ${stateOf(worker)}${rest}`]
    : [`${name} (${where}): `, statePiece(worker), rest];
}

function linesByQueue({ queues, workers }: Info): Line[] {
  const width = Math.max(0, ...queues.map(({ name }) => name.length)) + 1;
  return queues.map(({ name }): Line => {
    const pieces = workers.filter(({ queues }) => queues.includes(name))
      .flatMap((worker, i): Line => [
        `${i === 0 ? "" : ", "}${worker.name} (`,
        statePiece(worker),
        ")",
      ]);
    const shown = pieces.length === 0 ? ["–"] : pieces;
    return [`${`${name}:`.padEnd(width)} `, ...shown];
  });
}

/** RQ lists a worker that is gone with its last state until its hash expires, which helps nobody. */
function stateOf({ isAlive, state }: WorkerInfo): string {
  return isAlive ? state : "dead";
}

function statePiece(worker: WorkerInfo): Piece {
  const state = stateOf(worker);
  return Object.hasOwn(STATE_STYLES, state)
    ? styled(STATE_STYLES[state as keyof typeof STATE_STYLES], state)
    : state;
}

/** Local time, as Python writes it. */
function timeText(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().replace("T", " ").replace("Z", "");
}
