import { assertEquals } from "@std/assert";
import { formatDate } from "../../lib/base/date.ts";
import { JobRecord } from "../../lib/job/record.ts";
import { type Execution, isPutBack } from "../../lib/store/worker_types.ts";
import {
  endOf,
  failedEnd,
  releasedEnd,
  requeuedEnd,
} from "../../lib/worker/ends.ts";

function execution(fields: Record<string, string | number> = {}): Execution {
  const bytes = Object.entries(fields).map(([name, value]) =>
    [name, new TextEncoder().encode(String(value))] as const
  );
  return { id: "e", queue: "q", job: new JobRecord("a", new Map(bytes)) };
}

const FAILURE = {
  type: "failure",
  reason: "error",
  message: "It failed",
  excInfo: "It failed",
} as const;

Deno.test.each([
  ["it does not say", {}, 500],
  ["it says", { result_ttl: 7 }, 7],
  ["for ever", { result_ttl: -1 }, -1],
  ["not at all", { result_ttl: 0 }, 0],
  ["it says nothing that can be read", { result_ttl: "long" }, 500],
])("a result is kept as long as the job says: %s", (_what, fields, ttl) => {
  const end = endOf(execution(fields), { type: "success" }, 5, 500);
  assertEquals([end.outcome, end.ttl, end.workedMs], ["finished", ttl, 5]);
});

Deno.test("a function that returns nothing has no payload, one that returns null has", () => {
  const payloadOf = (result?: string) =>
    endOf(
      execution(),
      { type: "success", ...(result === undefined ? {} : { result }) },
      1,
      1,
    ).payload;
  assertEquals([payloadOf(), payloadOf("null")], ["", btoa("null")]);
});

Deno.test("a failure is kept for a year, or as long as the job says", () => {
  const ttlOf = (fields = {}) => endOf(execution(fields), FAILURE, 1, 500).ttl;
  assertEquals(ttlOf(), 365 * 24 * 3_600);
  assertEquals(ttlOf({ failure_ttl: 9, result_ttl: 7 }), 9);
});

const NOW = Date.UTC(2030, 0, 1);
const QUEUED_AT = formatDate((NOW - 20_000) * 1_000);

Deno.test.each([
  ["any time", {}, -1],
  ["what is left", { ttl: 60, enqueued_at: QUEUED_AT }, 40],
  ["a second if all is over", { ttl: 10, enqueued_at: QUEUED_AT }, 1],
  ["all if it is not known since when", { ttl: 60 }, 60],
  ["any time if its limit is none", { ttl: -1, enqueued_at: QUEUED_AT }, -1],
])("a job that goes back may still wait for %s", (_what, fields, ttl) => {
  assertEquals(releasedEnd(execution(fields), NOW).ttl, ttl);
});

Deno.test("what goes back is told from what has ended", () => {
  const job = execution();
  assertEquals(
    [
      releasedEnd(job, NOW),
      requeuedEnd(job),
      failedEnd(job, "failed", "why", 1),
      failedEnd(job, "stopped", "why", 1),
      endOf(job, { type: "success" }, 1, 1),
    ].map(isPutBack),
    [true, true, false, false, false],
  );
});
