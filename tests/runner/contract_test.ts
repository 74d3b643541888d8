/** The contract of every runner: the same job has the same outcome and the same output. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { isAlive } from "../support/proc.ts";
import { eachWay, eachWayOf, pidsIn, until } from "./support.ts";

eachWay("calls functions with their arguments", async (create) => {
  await using t = await create();
  assertEquals(await t.result("jobs.one"), 1);
  assertEquals(await t.result("jobs.greet", ["you"]), "hello, you");
  const options = { kwargs: { mark: "!" } };
  assertEquals(await t.result("jobs.greet", ["you"], options), "hello, you!");
  assertEquals(await t.result("jobs.ts#greet", ["a"]), "hello, a");
  assertEquals(await t.result("jobs.ts#"), "by default");
  assertEquals(await t.result("jobs.thenable"), "awaited");
  assertEquals(await t.run("jobs.nothing"), { type: "success" });
});

eachWay("tells what a job threw", async (create) => {
  await using t = await create();
  const error = await t.failure("jobs.fail");
  assertEquals(error.reason, "error");
  assertEquals(error.message, "TypeError: bad input");
  assertMatch(error.excInfo, /^TypeError: bad input\n\s+at fail \(.*jobs\.ts/);
  assertStringIncludes(error.excInfo, "[cause]: Error: the cause");
  assert(!error.excInfo.includes("lib/runner/"), error.excInfo);

  const many = await t.failure("jobs.failMany");
  assertStringIncludes(many.excInfo, "Error: first");
  assertStringIncludes(many.excInfo, "Error: second");

  for (
    const [value, message] of [
      [undefined, "The job threw undefined"],
      ["oops", 'The job threw "oops"'],
      [{ code: 5 }, "The job threw { code: 5 }"],
    ]
  ) {
    const args = value === undefined ? [] : [value];
    const thrown = await t.failure("jobs.throwValue", args);
    assertEquals([thrown.reason, thrown.message], ["error", message]);
  }
  const hostile = await t.failure("jobs.throwHostile");
  assertEquals(hostile.message, "Error: hostile");
});

eachWayOf([
  { job: "jobs.rejectUnheard", message: "Error: nobody listens" },
  { job: "jobs.throwInTimer", message: "Error: in a timer" },
  { job: "jobs.report", message: "Error: reported" },
])(
  "fails $job, whose error nobody handled",
  async (create, { job, message }) => {
    await using t = await create({ prewarm: 0 });
    const failure = await t.failure(job);
    assertEquals([failure.reason, failure.message], ["error", message]);
  },
);

eachWayOf([
  {
    kind: "bigint",
    state: "BigInt is not JSON, store its text or turn on BigInts (bigInts)",
  },
  { kind: "function", state: "a function is not JSON" },
  { kind: "cycle", state: "it points back to result" },
])(
  "names the part of a result that is a $kind",
  async (create, { kind, state }) => {
    await using t = await create({ prewarm: 0 });
    const failure = await t.failure("jobs.badResult", [kind]);
    assertEquals(failure.reason, "result");
    assertEquals(
      failure.message,
      `TypeError: Cannot store result.when: ${state}`,
    );
  },
);

eachWay(
  "takes results of 50 MB and refuses more than 64 MB",
  async (create) => {
    await using t = await create();
    assertEquals(await t.result("jobs.big", [50e6]), "x".repeat(50e6));
    const failure = await t.failure("jobs.big", [70e6]);
    assertEquals(failure.reason, "result");
    assertStringIncludes(failure.message, "more than 64 MB");
  },
);

eachWay("says what is wrong with a module or export", async (create) => {
  await using t = await create();
  const notFound = await t.failure("nowhere.to.be");
  assertEquals(notFound.reason, "missing");
  assertStringIncludes(notFound.message, "nowhere/to.ts");
  const missing = await t.failure("jobs.missing");
  assertEquals(missing.reason, "missing");
  assertStringIncludes(missing.message, 'Cannot find export "missing"');
  assertStringIncludes(missing.message, "the module exports answer, badResult");
  const number = await t.failure("jobs.answer");
  assertEquals(number.reason, "load");
  assertStringIncludes(number.message, "it is a number, not a function");
});

eachWay("tells the ways in which a subprocess ends", async (create) => {
  await using t = await create();
  const exit = await t.failure("jobs.exitWith", [3]);
  assertEquals([exit.reason, exit.message], [
    "exit",
    "Job called Deno.exit(3)",
  ]);
  const killed = await t.failure("jobs.killSelf");
  assertEquals(killed.reason, "crash");
  assertEquals(
    killed.message,
    "Work-horse terminated unexpectedly; signal SIGKILL",
  );
  assertStringIncludes(killed.excInfo, "last words");
});

eachWay("tells that the memory ran out", async (create) => {
  await using t = await create({
    denoArgs: ["--v8-flags=--max-old-space-size=48"],
  });
  const failure = await t.failure("jobs.exhaustMemory");
  assertEquals(failure.reason, "memory");
  assertStringIncludes(failure.message, "Fatal JavaScript out of memory");
});

eachWay(
  "gets an answer from jobs that break globals or close stdout",
  async (create) => {
    await using t = await create();
    assertEquals(await t.result("jobs.breakGlobals"), "unharmed");
    const closed = await t.run("jobs.closeSelf");
    assert(closed.type !== "failure" || closed.reason === "exit");
    assertEquals(await t.result("jobs.closeStdout"), "answered");
    assertEquals(t.stdout(), "piped");
  },
);

eachWay("passes on all output before it resolves", async (create) => {
  await using t = await create();
  for (let i = 0; i < 5; i++) {
    t.clear();
    assertEquals(await t.result("jobs.printBoth"), "printed");
    assertEquals([t.stdout(), t.stderr()], ["to stdout\n", "to stderr\n"]);
  }
  t.clear();
  assertEquals(await t.result("jobs.printMuch", [100]), 100);
  assertEquals(t.stdoutSize(), 100 * 1024 * 1024);
});

eachWay("takes frames with a wrong token for output", async (create) => {
  await using t = await create();
  assertEquals(await t.result("jobs.printFrames"), "real");
  assertEquals(t.stdoutSize(), 60);
});

eachWay(
  "lets a slow sink slow the job, and a broken one not harm it",
  async (create) => {
    await using t = await create({
      sink: {
        stdout: () => Promise.reject(new Error("broken pipe")),
        stderr: () => new Promise((resolve) => setTimeout(resolve, 50)),
      },
    });
    assertEquals(await t.result("jobs.printBoth"), "printed");
    assertEquals(await t.result("jobs.printMuch", [10]), 10);
  },
);

eachWay("currentJob tells of the job and asks the worker", async (create) => {
  await using t = await create();
  const result = await t.result("jobs.useCurrent", [], {
    jobId: "the-job",
    attempt: 2,
    origin: "high",
    meta: { kept: 1, gone: 2 },
  });
  assertEquals(result, {
    id: "the-job",
    executionId: "execution-1",
    attempt: 2,
    queue: "high",
    meta: { kept: 1, step: 1, last: true },
    first: { id: "new-3" },
    second: { id: "new-4" },
  });
  assertEquals(t.calls, [
    ["meta", { set: { step: 1 }, removed: ["gone"] }],
    ["progress", 0.5, "half"],
    ["enqueue", { func: "jobs.greet", options: { args: ["next"] } }],
    ["enqueue", {
      queue: "low",
      func: "other.job",
      options: {
        timeout: "5m",
        args: [1],
        dependsOn: ["new-3", "other-id"],
      },
    }],
    ["meta", { set: { last: true }, removed: [] }],
  ]);
});

eachWay(
  "currentJob refuses what it cannot do, where the job can see it",
  async (create) => {
    await using t = await create();
    const errors = await t.result("jobs.misuseCurrent") as string[];
    assertMatch(errors[0]!, /^RangeError: Cannot store progress/);
    assertMatch(errors[1]!, /^TypeError: Cannot enqueue anonymous/);
    assertMatch(errors[2]!, /^TypeError: Cannot store args\[0\]: BigInt/);
    assertMatch(
      errors[3]!,
      /^TypeError: .*no option "atfront", there are .*, atFront, /,
    );
    assertMatch(errors[4]!, /^TypeError: Cannot store args\[0\]: undefined/);
    assertEquals(errors[5], "Error: the queue is closed");
  },
);

eachWay(
  "rejects with the signal's reason once the job is gone",
  async (create) => {
    await using t = await create();
    const abort = new AbortController();
    const running = t.run("jobs.ignoreTerm", [], { signal: abort.signal });
    await until("the job runs", () => pidsIn(t.stdout()).length === 1);
    abort.abort(new Error("cold stop"));
    await assertRejects(() => running, Error, "cold stop");
    assertEquals(pidsIn(t.stdout()).filter(isAlive), []);
    await assertRejects(
      () => t.run("jobs.one", [], { signal: abort.signal }),
      Error,
      "cold stop",
    );
  },
);

eachWay("close() kills what runs", async (create) => {
  const t = await create();
  const running = t.run("jobs.ignoreTerm");
  const rejected = assertRejects(() => running, Error, "the runner is closed");
  await until("the job runs", () => pidsIn(t.stdout()).length === 1);
  await t.runner.close();
  await rejected;
  assertEquals(pidsIn(t.stdout()).filter(isAlive), []);
  await assertRejects(() => t.run("jobs.one"), Error, "the runner is closed");
});
