/** What is stored of callbacks. */

import { assertEquals, assertRejects } from "@std/assert";
import { callback } from "../../mod.ts";
import report, { nothing, send } from "./fixtures/project/jobs/mail.ts";
import { Desk } from "./support.ts";

/** RQ's fields of callbacks, in its dict of the job. */
const FIELDS = ["success", "failure", "stopped"].flatMap((kind) => [
  `${kind}_callback_name`,
  `${kind}_callback_timeout`,
]);

Deno.test("callbacks are named as jobs are, and stored in RQ's fields", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({
    func: send,
    args: ["a"],
    onSuccess: nothing,
    onFailure: callback(nothing, { timeout: "5m" }),
    onStopped: new URL(
      "./fixtures/project/jobs/mail.ts#nothing",
      import.meta.url,
    ),
  });
  const dict = job.toDict();
  assertEquals(FIELDS.map((name) => dict[name]), [
    "jobs.mail.nothing",
    60,
    "jobs.mail.nothing",
    300,
    "jobs.mail.nothing",
    60,
  ]);
  const [named, none] = await desk.queue.enqueueMany([
    { func: "a.b", onFailure: "./tests/odd-name.ts#c" },
    { func: "a.b" },
  ]);
  assertEquals(FIELDS.map((name) => named!.toDict()[name]), [
    "",
    undefined,
    "tests/odd-name.ts#c",
    60,
    "",
    undefined,
  ]);
  assertEquals(none!.toDict()["success_callback_timeout"], undefined);
});

Deno.test("a callback that cannot be named is refused, and nothing is stored", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const hidden = (): void => {};
  const calls = [
    () => queue.enqueueCall({ func: report, args: [1], onSuccess: hidden }),
    () => queue.enqueueCall({ func: "a.b", onStopped: "not a name" }),
    () =>
      queue.enqueueMany([{ func: "a.b" }, { func: "a.b", onFailure: hidden }]),
  ];
  for (const call of calls) await assertRejects(call, TypeError);
  assertEquals(await queue.count(), 0);
});
