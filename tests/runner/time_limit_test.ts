import { assert, assertEquals } from "@std/assert";
import { Alarms } from "../../lib/base/alarms.ts";
import { ABORT_GRACE, TimeLimit } from "../../lib/runner/time_limit.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { isAlive } from "../support/proc.ts";
import { eachWay, eachWayOf, pidsIn, TestRunner, until } from "./support.ts";

Deno.test("a time limit is kept to the millisecond: first the AbortSignal, then SIGTERM, then SIGKILL", async () => {
  const clock = new FakeClock();
  const from = clock.now();
  const done: [string, number][] = [];
  const note = (what: string) => done.push([what, clock.now() - from]);
  using alarms = new Alarms(clock);
  const options = {
    killGrace: 2_000,
    abort: () => note("abort"),
    kill: (signal: string) => note(signal),
    alarms,
  };
  const limit = new TimeLimit(1, options);
  using unlimited = new TimeLimit(-1, options);
  const early = new TimeLimit(5, options);
  await clock.advance(999);
  assertEquals(done, []);
  await clock.advance(4_000);
  assertEquals(early.stop(), false);
  await clock.advance(1_000_000);
  assertEquals(done, [
    ["abort", 1_000],
    ["SIGTERM", 1_000 + ABORT_GRACE],
    ["SIGKILL", 1_000 + ABORT_GRACE + 2_000],
  ]);
  assertEquals([limit.stop(), unlimited.stop()], [true, false]);
});

const MESSAGE = "Task exceeded maximum timeout value (1 seconds)";

eachWayOf([
  { what: "spins", job: "jobs.spin", args: [], pids: 0 },
  { what: "ignores SIGTERM", job: "jobs.ignoreTerm", args: [], pids: 1 },
  {
    what: "returns when it is aborted",
    job: "jobs.returnOnAbort",
    args: [],
    pids: 0,
  },
  {
    what: "spins while its grandchildren hold the pipes",
    job: "jobs.spawnSleepers",
    args: ["spin"],
    pids: 2,
  },
])(
  "A job that $what is gone after its limit",
  async (create, { job, args, pids }) => {
    await using t = await create();
    await t.run("jobs.one");
    const failure = await t.failure(job, args, { timeout: 1 });
    assertEquals(failure, {
      type: "failure",
      reason: "timeout",
      message: MESSAGE,
      excInfo: `JobTimeoutException: ${MESSAGE}`,
    });
    assertEquals(pidsIn(t.stdout()).length, pids);
    await until("all are gone", () => !pidsIn(t.stdout()).some(isAlive));
  },
);

eachWay("A job without a time limit runs on", async (create) => {
  await using t = await create();
  assertEquals(await t.result("jobs.one", [], { timeout: -1 }), 1);
  assertEquals(await t.result("jobs.one", [], { timeout: 1e9 }), 1);
});

Deno.test("What a job left running is killed at its end, and does not delay it", async () => {
  await using t = await TestRunner.create();
  assertEquals(await t.result("jobs.spawnSleepers", ["returned"]), "returned");
  assertEquals(pidsIn(t.stdout()).length, 2);
  await until("all are gone", () => !pidsIn(t.stdout()).some(isAlive));
});

Deno.test("What a job left in a session of its own does not delay its end", async () => {
  await using t = await TestRunner.create();
  const outcome = await t.failure("jobs.escape");
  assertEquals(outcome.reason, "exit");
  const [pid] = pidsIn(t.stdout());
  assert(isAlive(pid!));
  Deno.kill(pid!, "SIGKILL");
});

eachWay(
  "killGrace is how long a job may see to its end after SIGTERM",
  async (create) => {
    await using patient = await create({ killGrace: 60_000 });
    const tidy = await patient.failure("grace.tidyUp", [1_500], { timeout: 1 });
    assertEquals([tidy.reason, patient.stdout()], ["timeout", "tidied\n"]);

    await using impatient = await create({ killGrace: 1 });
    const args = [120_000];
    const cut = await impatient.failure("grace.tidyUp", args, { timeout: 1 });
    assertEquals([cut.reason, impatient.stdout()], ["timeout", ""]);
  },
);
