/** `cron()`: what a file declares. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { declarations, declaredSchedules } from "../../lib/job/declared.ts";
import { cron, job, type ScheduleOptions, type When } from "../../mod.ts";
import { send } from "./fixtures/project/jobs/mail.ts";

Deno.test("cron() declares what schedules.upsert() stores, and stores nothing", async () => {
  declarations().clear();
  cron("report", "0 2 * * *", {
    func: send,
    args: ["a@b.c"],
    queue: "low",
    timeZone: "Europe/Berlin",
    overlap: "skip",
    retry: 2,
  });
  const [declared, ...others] = await declaredSchedules();
  assertEquals(others, []);
  const { name, timing, job, fields } = declared!;
  assertEquals(name, "report");
  assertEquals(timing, '{"cron":"0 2 * * *","timeZone":"Europe/Berlin"}');
  const { cron_job, ...rest } = fields;
  assertEquals(rest, {
    queue: "low",
    func_name: "jobs.mail.send",
    overlap: "skip",
    missed: "once",
    has_job_id: 0,
  });
  assertEquals(JSON.parse(String(cron_job)), {
    func_name: "jobs.mail.send",
    name: "report",
    queue_name: "low",
    args: '["a@b.c"]',
    kwargs: null,
    interval: null,
    cron: "0 2 * * *",
    job_timeout: 180,
  });
  const packed = Buffer.from(job, "base64").toString("latin1");
  for (const part of ["low", "retries_left", "jobs.mail.send"]) {
    assertEquals(packed.includes(part), true, part);
  }
  declarations().clear();
});

Deno.test("six fields and an interval, as RQ reads them", async () => {
  declarations().clear();
  cron("six", "15 0 2 * * MON-FRI", { func: "jobs.f" });
  cron("every", { every: "5m" }, { func: "jobs.f", kwargs: { a: 1 }, ttl: 9 });
  cron("last day", "0 0 L * *", { func: "jobs.f" });
  const jobs = (await declaredSchedules()).map(({ fields }) =>
    JSON.parse(String(fields["cron_job"]))
  );
  assertEquals(jobs[0].cron, "0 2 * * MON-FRI 15");
  const { interval, cron: none, kwargs, ttl } = jobs[1];
  assertEquals([interval, none, kwargs, ttl], [300, null, '{"a":1}', 9]);
  assertEquals(jobs[2], null, "RQ cannot read it");
  declarations().clear();
});

Deno.test.each<[string, When, Partial<ScheduleOptions>, string]>([
  ["s", "* * * *", {}, "minute hour day month weekday"],
  ["s", { every: 0 }, {}, "whole seconds"],
  ["", "* * * * *", {}, "1 to 200 characters"],
  ["s", "* * * * *", { missed: "some" as "all" }, "skip, once, all"],
])(
  "cron(%j, %j, %j) is refused at the call: %s",
  (name, when, options, text) => {
    declarations().clear();
    const declare = () => cron(name, when, { func: "jobs.f", ...options });
    assertThrows(declare, RangeError, text);
    assertEquals(declarations().size, 0);
  },
);

Deno.test("a name that is declared twice is refused", () => {
  declarations().clear();
  cron("s", "* * * * *", { func: "jobs.f" });
  const again = () => cron("s", "* * * * *", { func: "jobs.f" });
  assertThrows(again, RangeError, "is declared already");
  declarations().clear();
});

Deno.test("the arguments of a schedule are checked by the contract of its function", async () => {
  declarations().clear();
  const never = { version: 1, vendor: "tests", validate: refuse } as const;
  const refused = job({ "~standard": never }, () => 1);
  cron("never", { every: "1h" }, { func: refused, args: [1] });
  await assertRejects(declaredSchedules, TypeError, "args[0]: not this one");
  declarations().clear();
});

function refuse(): { issues: { message: string }[] } {
  return { issues: [{ message: "not this one" }] };
}
