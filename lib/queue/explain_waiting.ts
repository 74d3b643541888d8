/**
 * Why a job waits that is on no queue: for a slot of its rate limit or its turn, for its time, for other jobs.
 *
 * @module
 */

import { MAX_SECONDS } from "../base/duration.ts";
import { hasEnded, statusOfText } from "../job/status.ts";
import {
  type JobReason,
  jobsAre,
  type Known,
  missing,
  moment,
} from "./job_reason.ts";

/** A job that waits for a signal without a limit is due in a century, give or take some days. */
const NEVER_MS = (MAX_SECONDS - 365 * 86_400) * 1_000;

/** Explains it. */
export function explainWaiting(
  status: "rate_limited" | "scheduled" | "deferred",
  known: Known,
): JobReason[] {
  switch (status) {
    case "rate_limited":
      return [explainLimited(known)];
    case "scheduled":
      return [explainScheduled(known)];
    case "deferred":
      return [explainDeferred(known)];
  }
}

function explainLimited({ record, facts }: Known): JobReason {
  const turn = facts.one("turn");
  if (turn !== undefined) {
    const fairKey = record.text("x_fair_key") ?? "";
    const before = Number(turn[0]);
    const text = `it waits for the turn of fair key "${fairKey}", of which ${
      jobsAre(before)
    } before it`;
    return { code: "not_its_turn", fairKey, before, text };
  }
  const limit = facts.one("limit");
  if (limit === undefined) {
    return missing("it is not among those that wait for its rate limit");
  }
  const [key = "", before = "", ...rest] = limit;
  const [concurrency, starts, per, taken, opens] = rest.map(numberOf);
  const opensAt = opens ? new Date(opens * 1_000) : null;
  const says = [
    ...(concurrency ? [`${taken} of ${concurrency} slots taken`] : []),
    ...(starts ? [`${starts} starts within ${per} seconds`] : []),
    ...(opensAt === null ? [] : [`the next one at ${moment(opensAt)}`]),
  ].join(", ");
  return {
    code: "limited",
    key,
    before: Number(before),
    concurrency: concurrency ?? null,
    taken: taken ?? 0,
    holders: facts.all("holder").map(([id = ""]) => id),
    limit: starts ?? null,
    per: per ?? null,
    opensAt,
    text: `it waits for rate limit "${key}" (${says}), where ${
      jobsAre(Number(before))
    } before it`,
  };
}

function numberOf(text: string): number | null {
  return text === "" ? null : Number(text);
}

function explainScheduled({ record, facts, now }: Known): JobReason {
  const due = facts.one("due")?.[0];
  if (due === undefined) {
    return missing("it is not among those that are scheduled");
  }
  const at = new Date(Number(due) * 1_000);
  const signals = signalsOf(record.text("x_waits_for"));
  if (signals.length > 0) {
    const isLimited = at.getTime() - now < NEVER_MS;
    const names = signals.map((name) => `"${name}"`).join(" or ");
    const until = isLimited ? at : null;
    const text = `it waits for the signal ${names}${
      isLimited ? `, at most until ${moment(at)}` : ""
    }`;
    return { code: "waits_for_signal", signals, until, text };
  }
  if (at.getTime() <= now) {
    const worker = facts.one("scheduler")?.[0] ?? null;
    const text = `it is due since ${moment(at)}, and ${
      worker === null
        ? "no worker queues what is due"
        : `worker "${worker}" has not queued it yet`
    }`;
    return { code: "overdue", at, worker, text };
  }
  if (record.has("ended_at")) {
    const text = `it has failed, and is tried again at ${moment(at)}`;
    return { code: "retry", at, text };
  }
  return record.has("x_steps")
    ? { code: "sleeps", at, text: `it sleeps until ${moment(at)}` }
    : { code: "not_due", at, text: `it is not due until ${moment(at)}` };
}

function signalsOf(text: string | undefined): string[] {
  try {
    const names: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(names) ? names.map(String) : [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}

function explainDeferred({ facts }: Known): JobReason {
  const parents = facts.all("parent").map(([id = "", status = ""]) => {
    const known = statusOfText(status);
    const inVain = status === "gone" || known !== null && hasEnded(known);
    return { id, status, inVain };
  });
  if (parents.length === 0) {
    const text = "all jobs that it waited for have ended: it is about to go on";
    return { code: "parents_done", text };
  }
  const count = Math.max(
    parents.length,
    Number(facts.one("parents")?.[0]) || 0,
  );
  const names = parents.map(({ id, status }) => `"${id}" (${status})`);
  const vain = parents.some(({ inVain }) => inVain) ? ", in vain" : "";
  return {
    code: "waits_for_parents",
    count,
    parents,
    text: `it waits for ${parents.length === 1 ? "job" : "jobs"} ${
      names.join(", ")
    }${vain}`,
  };
}
