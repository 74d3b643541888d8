import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { JobFailedError, NoSuchJobError } from "../../lib/base/errors.ts";
import { dependency } from "../../lib/job/dependency.ts";
import { Desk } from "./support.ts";

Deno.test("a job with dependencies waits and is queued behind or in front, as it was asked for", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  await queue.enqueueCall({ func: "f.g", jobId: "p" });
  await queue.enqueueCall({ func: "f.g", jobId: "x" });
  await queue.enqueueCall({ func: "f.g", jobId: "tail", dependsOn: "p" });
  const head = await queue.enqueueCall({
    func: "f.g",
    jobId: "head",
    dependsOn: dependency("p", { atFront: true }),
  });
  const front = await queue.enqueueCall({
    func: "f.g",
    jobId: "front",
    dependsOn: "x",
    atFront: true,
  });
  assertEquals([await head.getStatus(), head.enqueuedAt], ["deferred", null]);
  await desk.finish();
  assertEquals(await queue.jobIds(), ["head", "x", "tail"]);
  await desk.finish();
  await desk.finish();
  assertEquals(await queue.jobIds(), ["front", "tail"]);
  assertEquals(await front.getStatus(), "queued");
});

Deno.test("jobs of one enqueueMany() may wait for each other", async () => {
  await using desk = await Desk.open();
  const jobs = await desk.queue.enqueueMany([
    { func: "f.g", jobId: "a" },
    { func: "f.g", jobId: "b", dependsOn: "a" },
    { func: "f.g", jobId: "c", dependsOn: ["a", "b"] },
  ]);
  const statuses = await Promise.all(jobs.map((job) => job.getStatus()));
  assertEquals(statuses, ["queued", "deferred", "deferred"]);
  assertEquals(
    [await desk.finish(), await desk.finish(), await desk.finish()],
    [
      "a",
      "b",
      "c",
    ],
  );
});

Deno.test("a job of enqueueMany() whose parent nobody knows is refused alone; enqueue calls say which parent that is", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const error = await assertRejects(
    () =>
      queue.enqueueMany([
        { func: "f.g", jobId: "a" },
        { func: "f.g", jobId: "b", dependsOn: ["a", "nobody"] },
        { func: "f.g", jobId: "c", dependsOn: ["later"] },
        { func: "f.g", jobId: "later", dependsOn: ["a"] },
      ]),
    AggregateError,
  );
  const refused = error.errors.map((one) => [one.name, one.jobId]);
  assertEquals(refused, [
    ["NoSuchJobError", "nobody"],
    ["NoSuchJobError", "later"],
  ]);
  assertEquals(await queue.jobIds(), ["a"]);
  assertEquals(await desk.bench.status("later"), "deferred");
  const call = { func: "f.g", jobId: "d", dependsOn: "nobody" };
  await assertRejects(() => queue.enqueueCall(call), NoSuchJobError, "nobody");
});

Deno.test("a job that ends with its parent names it, and how that ended", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const parent = await queue.enqueue("f.g");
  const [failed, canceled, waiting] = await queue.enqueueMany(
    (["fail", "cancel", "wait"] as const).map((ifParentFails) => ({
      func: "f.g",
      dependsOn: dependency(parent, { ifParentFails }),
    })),
  );
  const failing = assertRejects(() => failed!.wait(), JobFailedError);
  const canceling = assertRejects(() => canceled!.wait(), Error);
  await desk.fail();
  const { message, cause } = await failing;
  assertStringIncludes(message, `job "${parent.id}", on which it depends, has`);
  assertEquals((cause as Error).name, "ParentFailedError");
  assertStringIncludes(
    (await canceling).message,
    `it is canceled, since job "${parent.id}" has failed`,
  );
  for (const job of [failed!, canceled!, waiting!]) await job.refresh();
  const decidedBy = { id: parent.id, status: "failed" };
  assertEquals(failed!.decidedBy, decidedBy);
  assertEquals(canceled!.decidedBy, decidedBy);
  assertEquals(waiting!.decidedBy, null);
});

Deno.test("a job whose parent has failed already fails in the call that enqueues it, if it is to", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const parent = await queue.enqueue("f.g");
  await desk.fail();
  const call = {
    func: "f.g",
    dependsOn: dependency(parent, { ifParentFails: "fail" }),
  };
  const job = await queue.enqueueCall(call);
  assertEquals(await job.getStatus(), "failed");
  await assertRejects(() => job.wait(), JobFailedError, parent.id);
});

Deno.test("cancel() can let dependents go on, and be forgotten; delete() can take them along", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const parent = await queue.enqueueCall({ func: "f.g", jobId: "p" });
  await queue.enqueueCall({ func: "f.g", jobId: "c", dependsOn: parent });
  const third = await queue.enqueueCall({
    func: "f.g",
    jobId: "d",
    dependsOn: ["p", "c"],
  });
  await third.cancel({ removeFromDependencies: true });
  await parent.cancel({ enqueueDependents: true });
  assertEquals(await queue.jobIds(), ["c"]);
  const other = await queue.enqueueCall({ func: "f.g", jobId: "o" });
  await queue.enqueueCall({ func: "f.g", jobId: "e", dependsOn: other });
  assertEquals(await other.delete({ deleteDependents: true }), true);
  assertEquals(await queue.fetchJob("e"), null);
  const canceling = third.cancel({ enqueueDependants: true } as never);
  await assertRejects(() => canceling, TypeError, '"enqueueDependents"?');
  const deleting = third.delete({ deleteDependant: true } as never);
  await assertRejects(() => deleting, TypeError, '"deleteDependents"?');
});
