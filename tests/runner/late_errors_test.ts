import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RunRequest } from "../../lib/runner/runner.ts";
import type { LateError } from "../../lib/runner/subprocess_options.ts";
import { eachWayOf, TestRunner, until } from "./support.ts";

/** A runner's reports about jobs that affect each other. */
function told() {
  const late: LateError[] = [];
  const again: string[] = [];
  return {
    late,
    again,
    options: {
      onLateError: (error: LateError) => void late.push(error),
      onBeganAgain: ({ jobId }: RunRequest) => void again.push(jobId),
    },
  };
}

/** Runs a job that blocks its process after it has answered, and not before, however slow that is. */
async function leaveSpinning(t: TestRunner): Promise<unknown> {
  const file = await Deno.makeTempFile();
  const pid = await t.result("leaves.spins", [file]);
  await Deno.remove(file);
  await until("it spins", () => t.stdout().includes("spinning"));
  return pid;
}

const KNOWN = [{ left: "rejection" }, { left: "many" }];
const LEFT = [...KNOWN, { left: "throws" }, { left: "immediate" }, {
  left: "exit",
}];

eachWayOf(LEFT)(
  "what a job has left behind ($left) fails no other one",
  async (create, { left }) => {
    await using t = await create({ ...told().options, maxAlone: 9 });
    // Seven at once, if they share a process; else one after the other.
    const others: Promise<unknown>[] = [];
    await t.result(`leaves.${left}`, [100]);
    for (let i = 0; i < 3; i++) others.push(t.result("leaves.slow", [300]));
    for (const pid of await Promise.all(others)) assert(Number(pid) > 1);
    assert(Number(await t.result("leaves.slow", [1])) > 1);
  },
);

for (const way of ["reuse", "shared"] as const) {
  for (const { left } of KNOWN) {
    Deno.test(`${way}: an error of a job that has ended (${left}) is told once, with its id, and its process ends`, async () => {
      const { late, again, options } = told();
      await using t = await TestRunner.create({ way, ...options });
      const pid = await t.result("leaves.slow", [1]);
      assertEquals(await t.result(`leaves.${left}`, [100]), pid);
      assertEquals(await t.result("leaves.slow", [300]), pid);
      assertEquals(late.map(({ jobId }) => jobId), ["job-2"]);
      assertStringIncludes(late[0]!.message, "Error: left");
      assertEquals(again, []);
      assert(await t.result("leaves.slow", [1]) !== pid);
    });
  }

  Deno.test(`${way}: an error that comes when no job runs ends the process`, async () => {
    const { late, again, options } = told();
    await using t = await TestRunner.create({ way, ...options });
    const pid = await t.result("leaves.throws", [100]);
    await until("the error is told", () => late.length === 1);
    assertEquals(late[0]!.jobId, "job-1");
    assert(await t.result("leaves.slow", [1]) !== pid);
    assertEquals(again, []);
  });

  Deno.test(`${way}: a job that throws unseen fails by itself, after others have run in its process, too`, async () => {
    const { late, options } = told();
    await using t = await TestRunner.create({ way, ...options });
    await t.result("leaves.slow", [1]);
    await t.result("leaves.slow", [1]);
    const { reason, message } = await t.failure("leaves.ownThrow");
    assertEquals([reason, message], ["error", "Error: its own"]);
    assertEquals(late, []);
  });

  Deno.test(`${way}: a call that a job has left behind changes nothing of the next one`, async () => {
    await using t = await TestRunner.create({ way });
    await t.result("leaves.calls", [50]);
    await t.result("leaves.slow", [200]);
    assertEquals(t.calls, []);
  });

  Deno.test(`${way}: a job that has not begun by its time limit is begun elsewhere`, async () => {
    await using t = await TestRunner.create({ way });
    const pid = await leaveSpinning(t);
    const next = t.result("leaves.slow", [1], { timeout: 1 });
    assert(await next !== pid);
  });

  Deno.test(`${way}: a job without a time limit is begun elsewhere, too, if its process does not hear`, async () => {
    await using t = await TestRunner.create({ way });
    const pid = await leaveSpinning(t);
    const next = t.result("leaves.slow", [1], { timeout: -1 });
    assert(await next !== pid);
  });
}
