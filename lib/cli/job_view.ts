/**
 * What `job show` prints.
 *
 * @module
 */

import { printableJson } from "../base/printable.ts";
import type { Job } from "../queue/job.ts";
import type { Result } from "../queue/result.ts";
import { type Output, type Piece, type Style, styled } from "./output.ts";

/** The most characters that are shown of a value. */
const MOST = 1_000;
/** The most ids that are shown of a list. */
const MOST_IDS = 10;

/** All that is known of a job, by the names of the API. */
export interface JobFacts {
  readonly results: readonly ResultFacts[];
  readonly [name: string]: unknown;
}

type ResultFacts = Omit<Result, "jobId">;

/** Reads all that is known of a job. */
export async function jobFacts(job: Job): Promise<JobFacts> {
  const [position, executions, dependentIds, results] = await Promise.all([
    job.position(),
    job.executions(),
    job.dependentIds(),
    job.results(),
  ]);
  return {
    id: job.id,
    status: job.status,
    funcName: readable(() => job.funcName),
    args: readable(() => job.args),
    kwargs: readable(() => job.kwargs),
    description: job.description,
    queue: job.origin,
    position,
    createdAt: job.createdAt,
    enqueuedAt: job.enqueuedAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
    workerName: job.workerName,
    lastHeartbeat: job.lastHeartbeat,
    executions,
    progress: job.progress() ?? null,
    signals: job.signals,
    dependencyIds: job.dependencyIds,
    dependentIds,
    decidedBy: job.decidedBy,
    stoppedBy: job.stoppedBy,
    groupId: job.groupId,
    fairKey: job.fairKey ?? null,
    tags: job.tags,
    meta: job.meta,
    retriesLeft: job.retriesLeft,
    repeatsLeft: job.repeatsLeft,
    timeout: readable(() => job.timeout),
    ttl: job.ttl,
    resultTtl: job.resultTtl,
    failureTtl: job.failureTtl,
    results: results.map(resultFacts),
  };
}

/** Reads one property after the other: a copy of them all would read the returned value, which may be unreadable. */
function resultFacts(result: Result): ResultFacts {
  const names = Object.keys(result) as (keyof Result)[];
  const facts = names.filter((name) => name !== "jobId")
    .map((name) => [name, readable(() => result[name])]);
  return Object.fromEntries(facts) as ResultFacts;
}

/** A value, or why it cannot be read: anybody may have written it. */
function readable(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { unreadable: error.message };
  }
}

/** Prints a job: what is known, and how each attempt ended, the latest first. */
export async function printJob(facts: JobFacts, out: Output): Promise<void> {
  const { results, ...others } = facts;
  const rows = Object.entries(others)
    .filter(([, value]) => !isEmpty(value))
    .map(([name, value]): Piece[] => [
      styled("dim", labelOf(name)),
      name === "status" ? status(String(value)) : shown(value),
    ]);
  await out.table(rows);
  if (results.length === 0) return;
  await out.line();
  await out.table([
    HEAD.map((name) => styled("dim", name)),
    ...results.map(resultRow),
  ]);
  const [{ excString }] = results as [ResultFacts];
  if (excString !== null) {
    await out.line();
    await out.lines(excString);
  }
}

const HEAD = ["ATTEMPT", "ENDED", "TOOK", "WORKER", "PROCESS", "RESULT"];

const STYLES: Readonly<Record<string, Style>> = {
  finished: "green",
  successful: "green",
  failed: "red",
  stopped: "red",
  max_retries_exceeded: "red",
  retried: "yellow",
  started: "blue",
};

function status(text: string): Piece {
  const style = STYLES[text];
  return style === undefined ? text : styled(style, text);
}

function resultRow(result: ResultFacts): Piece[] {
  const { type, attempt, excString, returnValue, workerName } = result;
  const { executionStartedAt: from, executionEndedAt: to } = result;
  const seconds = from && to && (to.getTime() - from.getTime()) / 1_000;
  const said = excString === null
    ? shown(returnValue ?? null)
    : excString.split("\n", 1)[0]!;
  return [
    `${attempt ?? "?"}`,
    result.createdAt.toISOString(),
    seconds === null ? "?" : `${seconds} s`,
    workerName ?? "-",
    processOf(result),
    status(type),
    said,
  ];
}

/** How the process ended, and what it has used, as far as that is known. */
function processOf(result: ResultFacts): string {
  const { exitCode, signal, peakMemory, cpuTime } = result;
  const facts = [
    exitCode === null ? "" : `exit code ${exitCode}`,
    signal ?? "",
    peakMemory === null ? "" : `${Math.round(peakMemory / 1024 / 1024)} MB`,
    cpuTime === null ? "" : `${cpuTime} s of CPU`,
  ];
  return facts.filter((fact) => fact !== "").join(", ") || "-";
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  if (value instanceof Date) return false;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** `enqueuedAt` is `enqueued at`. */
function labelOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function shown(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "string") return cut(value);
  if (isIds(value)) {
    const more = value.length - MOST_IDS;
    const ids = value.slice(0, MOST_IDS).join(", ");
    return more > 0 ? `${ids} and ${more} more` : ids;
  }
  return cut(printableJson(value));
}

function isIds(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 1 &&
    value.every((id) => typeof id === "string" && /^[\w-]+$/.test(id));
}

function cut(text: string): string {
  const more = text.length - MOST;
  return more > 0 ? `${text.slice(0, MOST)}… (${more} more, see --json)` : text;
}
