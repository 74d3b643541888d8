/** Changing a job of which only the id is known. */

import { assertEquals, assertRejects } from "@std/assert";
import {
  InvalidJobOperationError,
  NoSuchJobError,
} from "../../lib/base/errors.ts";
import { cancelJob, deleteJob, requeueJob } from "../../lib/queue/by_id.ts";
import { waitFor } from "../support/wait_for.ts";
import { Desk } from "./support.ts";

Deno.test("a job is canceled, requeued and deleted by its id", async () => {
  await using desk = await Desk.open();
  const connection = desk.bench.server.url;
  const [first, second] = [
    await desk.queue.enqueue("f.g"),
    await desk.queue.enqueue("f.g"),
  ];
  const before = await desk.clients();
  await cancelJob(first.id, { connection });
  await desk.fail();
  await requeueJob(second.id, { connection, atFront: true });
  assertEquals([await first.getStatus(), await second.getStatus()], [
    "canceled",
    "queued",
  ]);
  assertEquals(await deleteJob(first.id, { connection }), true);
  assertEquals(await deleteJob(first.id, { connection }), false);
  await waitFor(async () => await desk.clients() === before);
});

Deno.test("a change by id heeds the options of the change", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const parent = await desk.queue.enqueue("f.g");
  const child = await desk.queue.enqueueCall({
    func: "f.g",
    dependsOn: parent,
  });
  await cancelJob(parent.id, { connection, enqueueDependents: true });
  assertEquals(await child.getStatus(), "queued");
});

Deno.test("a change by id says what is wrong with the id, the job or an option", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  const { id } = await desk.queue.enqueue("f.g");
  await assertRejects(() => cancelJob("a b", { connection }), RangeError);
  await assertRejects(
    () => cancelJob("nobody", { connection }),
    NoSuchJobError,
  );
  await assertRejects(
    () => requeueJob("nobody", { connection }),
    NoSuchJobError,
  );
  await assertRejects(
    () => requeueJob(id, { connection }),
    InvalidJobOperationError,
    "it is queued, not failed",
  );
  const mistyped = { connection, atfront: true };
  await assertRejects(
    () => requeueJob(id, mistyped as object),
    TypeError,
    'no option "atfront", did you mean "atFront"?',
  );
});
