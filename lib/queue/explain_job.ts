/**
 * Finds out why a job does not run: the call behind `job.explain()`.
 *
 * @module
 */

import { headlineOf } from "../job/failure.ts";
import { isSuspect, type JobRecord } from "../job/record.ts";
import { decodeFailure, failureOf, isFailure } from "../job/result_codec.ts";
import { type JobStatus, statusOfText } from "../job/status.ts";
import { stoppedBy } from "../job/stopped.ts";
import { type JobFacts, readFacts } from "../store/explain.ts";
import type { JobStore } from "../store/job_store.ts";
import { positionOf } from "../store/position.ts";
import { listWorkers } from "../store/workers.ts";
import { explainWaiting } from "./explain_waiting.ts";
import {
  type JobExplanation,
  type JobReason,
  jobsAre,
  type Known,
  missing,
  moment,
  workersText,
} from "./job_reason.ts";
import { noSuchJob } from "./wait.ts";

/** How many workers of a queue are looked at. */
const MOST_WORKERS = 200;

/** How often a job that moves meanwhile is looked at again. */
const MOST_LOOKS = 3;

/** See {@linkcode StoredJob.explain}. */
export async function explainJob(
  store: JobStore,
  id: string,
): Promise<JobExplanation> {
  for (let look = 1;; look++) {
    const [record, facts] = await Promise.all([
      store.fetch(id),
      readFacts(store, id),
    ]);
    if (record === null || facts === null) throw noSuchJob(id);
    const [status = "", queue = "", now] = facts.one("job") ?? [];
    const known = { record, facts, queue, now: Number(now) * 1_000 };
    const reasons = await reasonsFor(store, statusOfText(status), known);
    // It may have moved on while its place was looked for.
    const isMissing = reasons.some(({ code }) => code === "missing");
    if (isMissing && look < MOST_LOOKS) continue;
    const words = reasons.map(({ text }) => text).join("; ");
    const text = `${status || "no status"}: ${words}`;
    return { jobId: id, status: statusOfText(status), text, reasons };
  }
}

async function reasonsFor(
  store: JobStore,
  status: JobStatus | null,
  known: Known,
): Promise<JobReason[]> {
  switch (status) {
    case "queued":
      return await explainQueued(store, known);
    case "rate_limited":
    case "scheduled":
    case "deferred":
      return explainWaiting(status, known);
    case "started":
      return explainStarted(known);
    case "failed":
      return [...await explainFailed(store, known), ...taken(known)];
    case "created":
    case "finished":
    case "stopped":
    case "canceled":
      return [explainEnd(status, known), ...taken(known)];
    case null: {
      const stored = known.facts.one("job")?.[0] ?? "";
      const text = `nobody knows the status "${stored}"`;
      return [{ code: "unknown_status", status: stored, text }];
    }
  }
}

async function explainQueued(
  store: JobStore,
  { record, facts, queue, now }: Known,
): Promise<JobReason[]> {
  const reasons = pauses(facts, queue, now);
  const [position, { workers, busy }] = await Promise.all([
    positionOf(store, queue, record.id),
    countWorkers(store, queue),
  ]);
  if (workers === 0) {
    const text = `no worker serves queue "${queue}"`;
    reasons.push({ code: "no_worker", queue, text });
  }
  if (isSuspect(record)) {
    const text =
      "it has lost its worker, and is run by one that has nothing else in hand";
    reasons.push({ code: "suspect", text });
  }
  if (position === null) {
    return facts.one("popped") === undefined
      ? [...reasons, missing(`it is not on queue "${queue}"`)]
      : [...reasons, { code: "popped", text: "a worker is about to start it" }];
  }
  const serve = workers === 0
    ? ""
    : `, which ${workersText(workers)} ${workers === 1 ? "serves" : "serve"}`;
  if (position > 0) {
    const text = `${jobsAre(position)} before it on queue "${queue}"${serve}`;
    reasons.push({ code: "behind", queue, count: position, workers, text });
  } else {
    const text = `it is the next one of queue "${queue}"${serve}${
      busy === 0 ? "" : `, ${busy} of them busy`
    }`;
    reasons.push({ code: "next", queue, workers, busy, text });
  }
  return reasons;
}

function pauses(facts: JobFacts, queue: string, now: number): JobReason[] {
  const reasons: JobReason[] = [];
  const [left] = facts.one("suspended") ?? [];
  if (left !== undefined) {
    const until = left === "-1" ? null : new Date(now + Number(left) * 1_000);
    const text = `all workers are suspended ${untilText(until)}`;
    reasons.push({ code: "suspended", until, text });
  }
  const [ends] = facts.one("paused") ?? [];
  const end = Number(ends) * 1_000;
  if (ends !== undefined && !(end <= now)) {
    const until = Number.isFinite(end) ? new Date(end) : null;
    const text = `queue "${queue}" is paused ${untilText(until)}`;
    reasons.push({ code: "paused", queue, until, text });
  }
  return reasons;
}

function untilText(until: Date | null): string {
  return `until ${until === null ? "somebody resumes" : moment(until)}`;
}

async function countWorkers(
  store: JobStore,
  queue: string,
): Promise<{ workers: number; busy: number }> {
  let [workers, busy, looked] = [0, 0, 0];
  for await (const worker of listWorkers(store, { queue })) {
    if (worker.isAlive) workers++;
    if (worker.isAlive && worker.text("state") === "busy") busy++;
    if (++looked >= MOST_WORKERS) break;
  }
  return { workers, busy };
}

function explainStarted({ record, facts }: Known): JobReason[] {
  const worker = record.text("worker_name") ?? null;
  const since = record.date("started_at");
  const name = worker === null ? "a worker" : `worker "${worker}"`;
  const lease = facts.one("lease")?.[0];
  const reasons: JobReason[] = lease === undefined
    ? [{
      code: "worker_lost",
      worker,
      text: `nobody has heard of ${name} lately, which ran it`,
    }]
    : [{
      code: "started",
      worker,
      since,
      text: `${name} runs it${since === null ? "" : ` since ${moment(since)}`}`,
    }];
  if (lease !== undefined && record.text("x_stop") === lease) {
    const by = record.text("x_stop_by") ?? null;
    const reason = record.text("x_stop_reason") ?? null;
    const text = `it is to be stopped${byText(by, reason)}`;
    reasons.push({ code: "stopping", by, reason, text });
  }
  return reasons;
}

async function explainFailed(
  store: JobStore,
  { record }: Known,
): Promise<JobReason[]> {
  const parent = parentEnded(record);
  if (parent !== undefined) return [parent];
  const latest = await store.latestResult(record.id);
  const excInfo = latest !== null && isFailure(latest)
    ? decodeFailure(latest)
    : failureOf(record) ?? "";
  const headline = headlineOf(excInfo);
  const at = record.date("ended_at");
  const text = `it has failed${at === null ? "" : ` at ${moment(at)}`}${
    headline === "" ? "" : `: ${headline}`
  }`;
  const failed: JobReason = { code: "failed", at, headline, text };
  const isExhausted = record.integer("retries_left") === 0;
  return isExhausted
    ? [failed, { code: "retries_exhausted", text: "it has no retries left" }]
    : [failed];
}

function explainEnd(
  status: "created" | "finished" | "stopped" | "canceled",
  { record }: Known,
): JobReason {
  switch (status) {
    case "created":
      return { code: status, text: "nobody has enqueued it yet" };
    case "finished": {
      const at = record.date("ended_at");
      const when = at === null ? "" : ` at ${moment(at)}`;
      return { code: status, at, text: `it has finished${when}` };
    }
    case "stopped": {
      const { by = null, reason = null } = stoppedBy(record) ?? {};
      const text = `it was stopped${byText(by, reason)}`;
      return { code: status, by, reason, text };
    }
    case "canceled":
      return parentEnded(record) ??
        { code: status, text: "it was canceled" };
  }
}

function byText(by: string | null, reason: string | null): string {
  return `${by === null ? "" : ` by ${by}`}${
    reason === null ? "" : ` (${reason})`
  }`;
}

function parentEnded({ decidedBy }: JobRecord): JobReason | undefined {
  if (decidedBy === null) return undefined;
  const { id: parent, status } = decidedBy;
  const text = `job "${parent}", on which it depends, is ${status}`;
  return { code: "parent_ended", parent, status, text };
}

/** That another job has its unique key. */
function taken({ facts }: Known): JobReason[] {
  const [holder, key] = facts.one("held") ?? [];
  if (holder === undefined || key === undefined) return [];
  const text = `its unique key "${key}" is held by job "${holder}"`;
  return [{ code: "unique_key_taken", key, holder, text }];
}
