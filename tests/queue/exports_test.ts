/** What the entry points export, besides types. */

import { assertEquals, assertThrows } from "@std/assert";
import * as current from "../../lib/runner/current.ts";
import * as testing from "../../lib/testing/mod.ts";
import * as producing from "../../mod.ts";
import { Desk } from "./support.ts";

Deno.test("mod.ts gives what a producer needs, and no plumbing", () => {
  assertEquals(Object.keys(producing).sort(), [
    "ArgumentsError",
    "CallRefusedError",
    "ConnectionLostError",
    "ConnectionRefusedError",
    "DuplicateGroupError",
    "DuplicateJobError",
    "Group",
    "InvalidJobOperationError",
    "Job",
    "JobFailedError",
    "NoSuchGroupError",
    "NoSuchJobError",
    "NoSuchScheduleError",
    "Queue",
    "ReplyError",
    "Schedules",
    "WorkerInfo",
    "callback",
    "cancelJob",
    "cron",
    "deleteJob",
    "dependency",
    "isSuspended",
    "job",
    "repeat",
    "requeueJob",
    "resume",
    "retry",
    "sendKillHorseCommand",
    "sendShutdownCommand",
    "sendStopExecutionCommand",
    "sendStopJobCommand",
    "suspend",
    "watchJobs",
    "webhook",
  ]);
});

Deno.test("what a job imports is currentJob, what it throws about retries, and what others wait for", () => {
  assertEquals(Object.keys(current).sort(), [
    "DoNotRetry",
    "Retry",
    "currentJob",
    "dependency",
  ]);
});

Deno.test("what tests import has the queue and the job of producers", () => {
  assertEquals(Object.keys(testing).sort(), [
    "Job",
    "JobFailedError",
    "Queue",
    "capture",
    "runJob",
  ]);
  assertEquals(testing.Queue, producing.Queue);
});

/** Never called. */
export function checked(id: string): void {
  // @ts-expect-error jobs are made by queues and Job.fetch()
  new producing.Job(id);
}

Deno.test("a queue takes the connection of another, and nothing that only looks like one", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  await using other = new producing.Queue("r", { connection });
  assertEquals(other.connection, connection);
  const { url } = connection;
  const close = () => Promise.resolve();
  const looks = { url, close, [Symbol.asyncDispose]: close };
  assertThrows(
    () => new producing.Queue("r", { connection: looks }),
    TypeError,
  );
});

Deno.test("a driver that there is not is refused", () => {
  const driver = "redis" as producing.DriverName;
  const make = () => new producing.Queue("q", { driver });
  assertThrows(make, RangeError, 'driver "redis": expected @db/redis, ioredis');
});

Deno.test.each([[0], [-1], [NaN], ["0s"], ["soon"]])(
  "connectTimeout is a length of time, as any: %j is refused",
  (connectTimeout) => {
    const make = () => new producing.Queue("q", { connectTimeout });
    assertThrows(make, RangeError, "connectTimeout");
  },
);

Deno.test("connectTimeout is in seconds, parts of them too", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  for (const connectTimeout of [0.1, "1s"]) {
    await using queue = new producing.Queue("q", {
      connection: `redis://127.0.0.1:${port}`,
      connectTimeout,
    });
    const error = await queue.count().catch((error) => error);
    assertEquals(error.name, "ConnectionLostError");
  }
});
