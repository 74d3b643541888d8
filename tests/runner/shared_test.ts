/** Jobs side by side in one process: what one of them does must not harm the others. */

import {
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { isAlive } from "../support/proc.ts";
import { waitFor } from "../support/wait_for.ts";
import { TestRunner } from "./support.ts";

interface Napped {
  readonly pid: number;
  readonly id: string;
}

const SHARED = { way: "shared" } as const;

async function nap(t: TestRunner, ms: number): Promise<Napped> {
  return await t.result("jobs.nap", [ms]) as Napped;
}

/** So many naps at once. */
function naps(t: TestRunner, count: number, ms: number): Promise<Napped[]> {
  return Promise.all(Array.from({ length: count }, () => nap(t, ms)));
}

Deno.test("100 jobs at once share one process, and each sees itself as the current one", async () => {
  await using t = await TestRunner.create(SHARED);
  const folder = await Deno.makeTempDir();
  const [pids, gate] = [`${folder}/pids`, `${folder}/gate`];
  await Deno.writeTextFile(pids, "");
  const meeting = Promise.all(
    Array.from({ length: 100 }, () => t.result("jobs.meet", [pids, gate])),
  ) as Promise<Napped[]>;
  // None ends before all have begun.
  await waitFor(() => Deno.readTextFileSync(pids).split("\n").length === 101);
  await Deno.writeTextFile(gate, "");
  const met = await meeting;
  assertEquals(new Set(met.map(({ pid }) => pid)).size, 1);
  assertEquals(new Set(met.map(({ id }) => id)).size, 100);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("each of many jobs gets its own answers to what it asks of the worker", async () => {
  await using t = await TestRunner.create(SHARED);
  const results = await Promise.all(
    Array.from(
      { length: 30 },
      (_, n) => t.result("jobs.useCurrent", [], { jobId: `j-${n}` }),
    ),
  ) as { id: string; first: { id: string }; second: { id: string } }[];
  assertEquals(results.map(({ id }) => id).toSorted(), ids(30));
  const added = results.flatMap(({ first, second }) => [first.id, second.id]);
  assertEquals(new Set(added).size, 60);
  assertEquals(t.calls.length, 150);
});

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `j-${n}`).toSorted();
}

Deno.test("what fails leaves the process to the others", async () => {
  await using t = await TestRunner.create(SHARED);
  const { pid } = await nap(t, 0);
  const others = naps(t, 5, 200);
  for (const job of ["jobs.fail", "jobs.rejectUnheard", "jobs.answer"]) {
    await t.failure(job);
  }
  await t.failure("jobs.badResult", ["bigint"]);
  assertEquals((await others).map((other) => other.pid), Array(5).fill(pid));
});

Deno.test("a job that does not stop at its time limit ends the process, and the others are run again", async () => {
  await using t = await TestRunner.create(SHARED);
  const { pid } = await nap(t, 0);
  const others = naps(t, 10, 1_800);
  const failure = await t.failure("jobs.never", [], { timeout: 1 });
  assertEquals(failure.reason, "timeout");
  const after = await others;
  assertEquals(new Set(after.map((other) => other.pid)).size, 1);
  assertNotEquals(after[0]!.pid, pid);
  await waitFor(() => !isAlive(pid));
});

Deno.test("where a process does not even hear that a time is up, each of its jobs is run again alone", async () => {
  await using t = await TestRunner.create({ ...SHARED, prewarm: 0 });
  const { pid } = await nap(t, 0);
  const others = naps(t, 4, 200);
  const failure = await t.failure("jobs.spinLater", [50], { timeout: 1 });
  assertEquals(failure.reason, "timeout");
  const pids = (await others).map((other) => other.pid);
  assertEquals(new Set([pid, ...pids]).size, 5);
});

Deno.test("a job that stops when its time is up leaves the process to the others", async () => {
  await using t = await TestRunner.create(SHARED);
  const { pid } = await nap(t, 0);
  const others = naps(t, 5, 1_800);
  const failure = await t.failure("jobs.stopWhenAsked", [], { timeout: 1 });
  assertEquals(failure.reason, "timeout");
  assertStringIncludes(
    failure.excInfo,
    "The job then ended with: TimeoutError",
  );
  assertEquals((await others).map((other) => other.pid), Array(5).fill(pid));
});

Deno.test.each([
  { job: "jobs.exitLater", reason: "exit", message: "Job called Deno.exit(3)" },
  {
    job: "jobs.killSelfLater",
    reason: "crash",
    message: "Work-horse terminated unexpectedly; signal SIGKILL",
  },
  { job: "jobs.throwInTimer", reason: "error", message: "Error: in a timer" },
])(
  "$job fails alone, the others return all the same",
  async ({ job, reason, message }) => {
    await using t = await TestRunner.create({ ...SHARED, prewarm: 0 });
    await nap(t, 0);
    const others = naps(t, 4, 400);
    const failure = await t.failure(job, [50]);
    assertEquals([failure.reason, failure.message], [reason, message]);
    assertEquals((await others).length, 4);
    assertEquals((await nap(t, 0)).id.length > 0, true);
  },
);

Deno.test("a job that is stopped and listens leaves the process to the others", async () => {
  await using t = await TestRunner.create(SHARED);
  const { pid } = await nap(t, 0);
  const others = naps(t, 3, 900);
  const abort = new AbortController();
  const running = t.run("jobs.stopWhenAsked", [], { signal: abort.signal });
  await waitFor(() => t.stdout().includes("listens"));
  abort.abort(new Error("stopped"));
  await assertRejects(() => running, Error, "stopped");
  assertEquals((await others).map((other) => other.pid), Array(3).fill(pid));
});

Deno.test("a job that is stopped and does not listen is killed, and the others are run again", async () => {
  await using t = await TestRunner.create(SHARED);
  const { pid } = await nap(t, 0);
  const others = naps(t, 3, 1_000);
  const abort = new AbortController();
  const running = t.run("jobs.spinLater", [50], { signal: abort.signal });
  await waitFor(() => t.stdout().includes("spins"));
  abort.abort(new Error("stopped"));
  await assertRejects(() => running, Error, "stopped");
  await waitFor(() => !isAlive(pid));
  assertEquals(new Set((await others).map((other) => other.pid)).size, 1);
});

Deno.test("a process that is killed while it waits is replaced", async () => {
  await using t = await TestRunner.create(SHARED);
  for (let n = 0; n < 3; n++) {
    const { pid } = await nap(t, 0);
    Deno.kill(pid, "SIGKILL");
    assertNotEquals((await nap(t, 0)).pid, pid);
  }
});

Deno.test("a process takes no more jobs than it may, and those in hand end in it", async () => {
  await using t = await TestRunner.create({ ...SHARED, maxJobsPerProcess: 4 });
  const napped = await naps(t, 10, 200);
  const counts = new Map<number, number>();
  for (const { pid } of napped) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  assertEquals([...counts.values()].toSorted(), [2, 4, 4]);
  const [first] = napped;
  await waitFor(() => !isAlive(first!.pid));
});

for (const way of ["reuse", "shared"] as const) {
  Deno.test(`${way}: a process that has grown beyond its limit takes no more jobs`, async () => {
    await using t = await TestRunner.create({ way, maxMemoryPerProcess: 300 });
    const pid = await t.result("jobs.grow", [1]);
    for (let n = 0; n < 40; n++) {
      assertEquals(await t.result("jobs.grow", [0]), pid);
    }
    assertEquals(await t.result("jobs.grow", [400]), pid);
    const after: unknown[] = [];
    for (let n = 0; n < 17; n++) after.push(await t.result("jobs.grow", [0]));
    assertNotEquals(after.at(-1), pid);
  });
}

Deno.test("close() rejects what runs, what waits for a process, and what runs alone", async () => {
  const t = await TestRunner.create(SHARED);
  const waiting = assertRejects(() => nap(t, 60_000), Error, "closed");
  await t.runner.close();
  await waiting;
  await assertRejects(() => nap(t, 0), Error, "closed");
});
