/**
 * What `top` shows: one screen.
 *
 * @module
 */

import { printable } from "../base/printable.ts";
import type { WorkerInfo } from "../queue/worker_info.ts";
import type { QueueCounts } from "../store/queue_counts.ts";
import type { RunningJob } from "../store/running_jobs.ts";
import { type Piece, styled, widthOf } from "./output.ts";
import { spanText } from "./time_text.ts";

/** What there is at one moment. */
export interface Moment {
  readonly at: Date;
  readonly url: string;
  readonly queues: readonly QueueCounts[];
  readonly workers: readonly WorkerInfo[];
  /** The jobs that they run, by id. */
  readonly jobs: ReadonlyMap<string, RunningJob>;
  readonly isSuspended: boolean;
  /** The names of queues that are paused. */
  readonly paused: ReadonlySet<string>;
}

/** A table whose cells are cut to its columns' widths. */
interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Piece[])[];
}

type Line = readonly Piece[];

/** Lines that are not rows: the first two, a gap, two headers, two that say what is left out, and the hint about keys. */
const FIXED = 8;

const QUEUE_HEADER = [
  ...["QUEUE", "WAITING", "RUNNING", "DEFERRED", "SCHEDULED"],
  ...["FAILED", "FINISHED", ""],
];
const WORKER_HEADER = ["WORKER", "STATE", "OK", "FAILED", "JOBS/S", "RUNS"];

/**
 * The lines of the screen.
 *
 * @param before The moment before, for rates.
 */
export function topLines(
  now: Moment,
  before: Moment | undefined,
  columns: number,
  lines: number,
): Line[] {
  const room = Math.max(2, lines - FIXED);
  const queues = queueTable(now);
  const workers = workerTable(now, before);
  // Each table gets half of the room, and what the other one does not need.
  const half = Math.floor(room / 2);
  const most = Math.max(half, room - workers.rows.length);
  const shown = Math.min(queues.rows.length, most);
  return [
    headline(now, before),
    [],
    ...tableLines(queues, shown, columns),
    [],
    ...tableLines(workers, room - shown, columns),
  ].map((line) => cut(line, columns));
}

function headline(now: Moment, before: Moment | undefined): Line {
  const { queues, workers } = now;
  const alive = workers.filter(({ isAlive }) => isAlive);
  const busy = alive.filter(({ state }) => state === "busy").length;
  const rates = alive.map((worker) => rateOf(worker, now, before));
  const rate = rates.reduce((sum, one) => sum + one, 0);
  const waiting = queues.reduce((sum, { count }) => sum + count, 0);
  return [
    styled("bold", now.at.toTimeString().slice(0, 8)),
    `  ${now.url}  ${count(queues.length, "queue")}, ${waiting} waiting, `,
    `${count(alive.length, "worker")}, ${busy} busy, ${rate.toFixed(1)} jobs/s`,
    ...(now.isSuspended ? ["  ", styled("yellow", "suspended")] : []),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function queueTable({ queues, workers, paused }: Moment): Table {
  const sorted = queues.toSorted((a, b) =>
    b.started - a.started || b.count - a.count || (a.name < b.name ? -1 : 1)
  );
  const rows = sorted.map((queue): Line => {
    const { name, count, started, deferred, scheduled, failed } = queue;
    const numbers = [count, started, deferred, scheduled].map(String);
    const isServed = workers.some((worker) =>
      worker.isAlive && worker.queues.includes(name)
    );
    return [
      name,
      ...numbers,
      failed > 0 ? styled("red", `${failed}`) : "0",
      `${queue.finished}`,
      paused.has(name)
        ? styled("yellow", "paused")
        : count > 0 && !isServed
        ? styled("red", "no worker")
        : "",
    ];
  });
  return { header: QUEUE_HEADER, rows };
}

function workerTable(now: Moment, before: Moment | undefined): Table {
  const rows = now.workers.map((worker): Line => [
    worker.name,
    worker.isAlive
      ? worker.state === "busy" ? styled("green", "busy") : worker.state
      : styled("red", "dead"),
    `${worker.successfulJobCount}`,
    `${worker.failedJobCount}`,
    rateOf(worker, now, before).toFixed(1),
    runsText(worker, now),
  ]);
  return { header: WORKER_HEADER, rows };
}

function runsText({ currentJobIds }: WorkerInfo, now: Moment): string {
  const [id, ...others] = currentJobIds;
  if (id === undefined) return "";
  const { description = "", startedAt = null } = now.jobs.get(id) ?? {};
  const since = startedAt === null
    ? ""
    : `${spanText((now.at.getTime() - startedAt.getTime()) / 1_000)} `;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `${since}${description || id}${more}`;
}

/** How many jobs a worker has ended in a second since the moment before. */
function rateOf(
  worker: WorkerInfo,
  now: Moment,
  before: Moment | undefined,
): number {
  const last = before?.workers.find(({ name }) => name === worker.name);
  if (before === undefined || last === undefined) return 0;
  const seconds = (now.at.getTime() - before.at.getTime()) / 1_000;
  const ended = doneBy(worker) - doneBy(last);
  return seconds > 0 ? Math.max(0, ended / seconds) : 0;
}

function doneBy(worker: WorkerInfo): number {
  return worker.successfulJobCount + worker.failedJobCount;
}

/** A table as lines. The first column takes what the others leave. */
function tableLines(
  { header, rows }: Table,
  most: number,
  columns: number,
): Line[] {
  const shown = rows.slice(0, most);
  const left = rows.length - shown.length;
  const widths = header.map((title, i) =>
    Math.max(title.length, ...shown.map((row) => widthOf(row[i] ?? "")))
  );
  const others = widths.slice(1, -1).reduce((sum, width) => sum + width + 2, 0);
  widths[0] = Math.max(5, Math.min(widths[0]!, columns - others - 12));
  const line = (row: Line) =>
    row.flatMap((piece, i): Line =>
      i === row.length - 1 ? [piece] : [fit(piece, widths[i]!), "  "]
    );
  return [
    line(header.map((title) => styled("dim", title))),
    ...shown.map(line),
    ...(left > 0 ? [[styled("dim", `… ${left} more`)]] : []),
  ];
}

/** A piece as it is seen: its length is that of what is escaped. */
function textOf(piece: Piece): string {
  return printable(typeof piece === "string" ? piece : piece.text);
}

/** A piece in exactly so many columns. */
function fit(piece: Piece, width: number): Piece {
  let text = textOf(piece);
  if (widthOf(text) > width) text = `${beginning(text, width - 1)}…`;
  text += " ".repeat(width - widthOf(text));
  return typeof piece === "string" ? text : { ...piece, text };
}

/** What of a text fits in so many columns. It is read no further than that, since a job's description may be huge. */
function beginning(text: string, width: number): string {
  let end = 0;
  let left = width;
  for (const letter of text) {
    left -= widthOf(letter);
    if (left < 0) break;
    end += letter.length;
  }
  return text.slice(0, end);
}

/** A line that is not longer than the screen is wide. */
function cut(line: Line, columns: number): Line {
  const pieces: Piece[] = [];
  let left = columns;
  for (const piece of line) {
    if (left <= 0) break;
    const length = widthOf(piece);
    pieces.push(length > left ? fit(piece, left) : piece);
    left -= length;
  }
  return pieces;
}
