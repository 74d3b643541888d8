import { assertEquals } from "@std/assert";
import { hasEnded, isJobStatus, statusOfText } from "../../lib/job/status.ts";
import type { JobStatus } from "../../lib/job/status.ts";

const ALL: readonly JobStatus[] = [
  "created",
  "queued",
  "started",
  "finished",
  "failed",
  "deferred",
  "scheduled",
  "stopped",
  "canceled",
];

Deno.test("the statuses are RQ's, and only these", () => {
  for (const status of ALL) assertEquals(isJobStatus(status), true);
  for (const text of ["", "cancelled", "Queued", "waiting", null, undefined]) {
    assertEquals(isJobStatus(text), false);
  }
});

Deno.test("a job has ended once it is finished, failed, stopped or canceled", () => {
  assertEquals(ALL.filter(hasEnded), [
    "finished",
    "failed",
    "stopped",
    "canceled",
  ]);
  assertEquals(hasEnded(null), false);
});

Deno.test.each<[string | null, JobStatus | null]>([
  [null, "queued"],
  ["", "queued"],
  ["started", "started"],
  ["created", "created"],
  ["rate_limited", "rate_limited"],
  ["ready_to_enqueue", "queued"],
  ["waiting", null],
  ["constructor", null],
])("the status of a hash that says %s is %s", (text, status) => {
  assertEquals(statusOfText(text), status);
});
