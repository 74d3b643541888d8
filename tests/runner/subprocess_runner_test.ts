import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { FIXTURES, isAlive, pidsIn, TestRunner, until } from "./support.ts";

Deno.test("SubprocessRunner.run() calls functions with their arguments", async () => {
  await using t = await TestRunner.create();
  assertEquals(await t.result("jobs.one"), 1);
  assertEquals(await t.result("jobs.greet", ["you"]), "hello, you");
  const options = { kwargs: { mark: "!" } };
  assertEquals(await t.result("jobs.greet", ["you"], options), "hello, you!");
  assertEquals(await t.result("jobs.ts#greet", ["a"]), "hello, a");
  assertEquals(await t.result("jobs.ts#"), "by default");
  assertEquals(await t.result("jobs.thenable"), "awaited");
  assertEquals(await t.run("jobs.nothing"), { type: "success" });
});

Deno.test("SubprocessRunner.run() tells what a job threw", async () => {
  await using t = await TestRunner.create();
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

Deno.test.each([
  { job: "jobs.rejectUnheard", message: "Error: nobody listens" },
  { job: "jobs.throwInTimer", message: "Error: in a timer" },
  { job: "jobs.report", message: "Error: reported" },
])(
  "SubprocessRunner.run() fails $job, whose error nobody handled",
  async ({ job, message }) => {
    await using t = await TestRunner.create({ prewarm: 0 });
    const failure = await t.failure(job);
    assertEquals([failure.reason, failure.message], ["error", message]);
  },
);

Deno.test.each([
  { kind: "bigint", state: "BigInt is not JSON" },
  { kind: "function", state: "a function is not JSON" },
  { kind: "cycle", state: "it points back to result" },
])(
  "SubprocessRunner.run() names the part of a result that is a $kind",
  async ({ kind, state }) => {
    await using t = await TestRunner.create({ prewarm: 0 });
    const failure = await t.failure("jobs.badResult", [kind]);
    assertEquals(failure.reason, "result");
    assertEquals(
      failure.message,
      `TypeError: Cannot store result.when: ${state}`,
    );
  },
);

Deno.test("SubprocessRunner.run() takes results of 50 MB and refuses more than 64 MB", async () => {
  await using t = await TestRunner.create();
  assertEquals(await t.result("jobs.big", [50e6]), "x".repeat(50e6));
  const failure = await t.failure("jobs.big", [70e6]);
  assertEquals(failure.reason, "result");
  assertStringIncludes(failure.message, "more than 64 MB");
});

Deno.test("SubprocessRunner.run() says what is wrong with a module or export", async () => {
  await using t = await TestRunner.create();
  const notFound = await t.failure("nowhere.to.be");
  assertEquals(notFound.reason, "load");
  assertStringIncludes(notFound.message, "nowhere/to.ts");
  const missing = await t.failure("jobs.missing");
  assertStringIncludes(missing.message, 'Cannot find export "missing"');
  assertStringIncludes(missing.message, "the module exports answer, badResult");
  const number = await t.failure("jobs.answer");
  assertStringIncludes(number.message, "it is a number, not a function");
});

Deno.test.each([
  {
    what: "throws",
    code: 'throw new Error("at import");',
    message: "Error: at import",
  },
  {
    what: "has a syntax error",
    code: "export const f = (;",
    message: "Expression expected",
  },
  {
    what: "imports what is not there",
    code: 'import "./gone.ts";',
    message: "gone.ts",
  },
])(
  "SubprocessRunner.run() fails a job whose module $what, with any permissions",
  async ({ code, message }) => {
    const dir = await Deno.makeTempDir();
    await Deno.writeTextFile(`${dir}/bad.ts`, code);
    for (const flags of [["-A"], []]) {
      await using t = await TestRunner.create({ paths: [dir], flags });
      for (let i = 0; i < 2; i++) {
        const failure = await t.failure("bad.f");
        assertEquals(failure.reason, "load");
        assertStringIncludes(failure.message, message);
      }
    }
    await Deno.remove(dir, { recursive: true });
  },
);

Deno.test("SubprocessRunner.run() tells the ways in which a subprocess ends", async () => {
  await using t = await TestRunner.create();
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

Deno.test("SubprocessRunner.run() tells that the memory ran out", async () => {
  await using t = await TestRunner.create({
    denoArgs: ["--v8-flags=--max-old-space-size=48"],
  });
  const failure = await t.failure("jobs.exhaustMemory");
  assertEquals(failure.reason, "memory");
  assertStringIncludes(failure.message, "Fatal JavaScript out of memory");
});

Deno.test("SubprocessRunner.run() gets an answer from jobs that break globals or close stdout", async () => {
  await using t = await TestRunner.create();
  assertEquals(await t.result("jobs.breakGlobals"), "unharmed");
  const closed = await t.run("jobs.closeSelf");
  assert(closed.type === "success" || closed.reason === "exit");
  assertEquals(await t.result("jobs.closeStdout"), "answered");
  assertEquals(t.stdout(), "piped");
});

Deno.test("SubprocessRunner.run() passes on all output before it resolves", async () => {
  await using t = await TestRunner.create();
  for (let i = 0; i < 5; i++) {
    t.clear();
    assertEquals(await t.result("jobs.printBoth"), "printed");
    assertEquals([t.stdout(), t.stderr()], ["to stdout\n", "to stderr\n"]);
  }
  t.clear();
  assertEquals(await t.result("jobs.printMuch", [100]), 100);
  assertEquals(t.stdoutSize(), 100 * 1024 * 1024);
});

Deno.test("SubprocessRunner.run() takes frames with a wrong token for output", async () => {
  await using t = await TestRunner.create();
  assertEquals(await t.result("jobs.printFrames"), "real");
  assertEquals(t.stdoutSize(), 60);
});

Deno.test("SubprocessRunner.run() lets a slow sink slow the job, and a broken one not harm it", async () => {
  await using t = await TestRunner.create({
    sink: {
      stdout: () => Promise.reject(new Error("broken pipe")),
      stderr: () => new Promise((resolve) => setTimeout(resolve, 50)),
    },
  });
  assertEquals(await t.result("jobs.printBoth"), "printed");
  assertEquals(await t.result("jobs.printMuch", [10]), 10);
});

Deno.test("currentJob tells of the job and asks the worker", async () => {
  await using t = await TestRunner.create();
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
    ["meta", { kept: 1, step: 1 }],
    ["progress", 0.5, "half"],
    ["enqueue", { func: "jobs.greet", options: { args: ["next"] } }],
    ["enqueue", {
      queue: "low",
      func: "other.job",
      options: { timeout: "5m", args: [1] },
    }],
    ["meta", { kept: 1, step: 1, last: true }],
  ]);
});

Deno.test("currentJob refuses what it cannot do, where the job can see it", async () => {
  await using t = await TestRunner.create();
  const errors = await t.result("jobs.misuseCurrent") as string[];
  assertMatch(errors[0]!, /^RangeError: Cannot store progress/);
  assertMatch(errors[1]!, /^TypeError: Cannot enqueue anonymous/);
  assertMatch(errors[2]!, /^TypeError: Cannot store args\[0\]: BigInt/);
  assertEquals(errors[3], "Error: the queue is closed");
});

Deno.test("currentJob throws outside of a job", async () => {
  const { currentJob } = await import("../../lib/runner/current.ts");
  for (const use of [() => currentJob.id, () => currentJob.progress(1)]) {
    assertMatch(
      String(await rejection(use)),
      /Cannot use currentJob: no job is running/,
    );
  }
});

async function rejection(use: () => unknown): Promise<unknown> {
  try {
    return await use();
  } catch (error) {
    return error;
  }
}

Deno.test("SubprocessRunner.run() rejects with the signal's reason once the job is gone", async () => {
  await using t = await TestRunner.create();
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
});

Deno.test("SubprocessRunner.close() kills what runs", async () => {
  const t = await TestRunner.create();
  const running = t.run("jobs.ignoreTerm");
  const rejected = assertRejects(() => running, Error, "the runner is closed");
  await until("the job runs", () => pidsIn(t.stdout()).length === 1);
  await t.runner.close();
  await rejected;
  assertEquals(pidsIn(t.stdout()).filter(isAlive), []);
  await assertRejects(() => t.run("jobs.one"), Error, "the runner is closed");
});

Deno.test.each([
  { what: "leaves nothing behind after 200 jobs", script: "leaves_nothing" },
  {
    what: "starts another subprocess when those that wait have died",
    script: "waiting_died",
  },
])("SubprocessRunner $what", async ({ script }) => {
  // In a process of its own, whose children can be counted.
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `${FIXTURES}/${script}.ts`],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
});

Deno.test("SubprocessRunner.run() fails a job whose subprocess cannot start, and starts no storm", async () => {
  const dir = await Deno.makeTempDir();
  const script = `${dir}/deno`;
  await Deno.writeTextFile(
    script,
    `#!/bin/sh\necho start >> ${dir}/starts\necho "no such flag" >&2\nexit 7\n`,
    { mode: 0o755 },
  );
  await using t = await TestRunner.create({ execPath: script });
  for (let i = 0; i < 3; i++) {
    const failure = await t.failure("jobs.one");
    assertEquals(failure.reason, "crash");
    assertStringIncludes(failure.message, "exit code 7 before it was ready");
    assertStringIncludes(failure.excInfo, "no such flag");
    for (let j = 0; j < 20; j++) t.runner.prepare();
  }
  const starts = await Deno.readTextFile(`${dir}/starts`);
  assert(starts.split("\n").length < 15, starts);
  await Deno.remove(dir, { recursive: true });

  await using u = await TestRunner.create({ execPath: "/nowhere/deno" });
  assertStringIncludes((await u.failure("jobs.one")).message, "/nowhere/deno");
});
