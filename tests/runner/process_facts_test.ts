/** What a runner tells of the process of a job. */

import { assert, assertEquals } from "@std/assert";
import { usageOf } from "../../lib/runner/process_table.ts";
import type { ProcessFacts, RunRequest } from "../../lib/runner/runner.ts";
import { eachWay, TestRunner, until } from "./support.ts";

const MB = 1024 * 1024;

/** Runs a job, and gives what was told of its process last. */
async function factsOf(
  t: TestRunner,
  func: string,
  args: readonly unknown[] = [],
  options: Partial<RunRequest> & { signal?: AbortSignal } = {},
): Promise<ProcessFacts | undefined> {
  let told: ProcessFacts | undefined;
  const onProcess = (facts: ProcessFacts) => told = facts;
  await t.run(func, args, { ...options, onProcess }).catch((error) => {
    if (error !== options.signal?.reason) throw error;
  });
  return told;
}

function assertMeasured(facts: ProcessFacts | undefined): void {
  const { peakMemory = 0, cpuSeconds = 0 } = facts ?? {};
  assert(peakMemory > 10 * MB && peakMemory < 2_000 * MB, `${peakMemory}`);
  assert(cpuSeconds > 0 && cpuSeconds < 600, `${cpuSeconds}`);
}

const onLinux = { ignore: Deno.build.os !== "linux" };

eachWay("the end of a process that a job has ended is told", async (create) => {
  await using t = await create();
  assertEquals((await factsOf(t, "jobs.exitWith", [7]))?.exitCode, 7);
  const killed = await factsOf(t, "jobs.killSelf");
  assertEquals([killed?.signal, killed?.exitCode], ["SIGKILL", undefined]);
});

Deno.test(
  "the process of a job that fails is measured, and has not ended by itself",
  onLinux,
  async () => {
    await using t = await TestRunner.create({});
    const facts = await factsOf(t, "jobs.fail");
    assertMeasured(facts);
    assertEquals([facts?.exitCode, facts?.signal], [undefined, undefined]);
  },
);

Deno.test(
  "what a job has used shows in what is measured",
  onLinux,
  async () => {
    await using t = await TestRunner.create({ jobMemory: 200 * MB });
    const eater = await factsOf(t, "eaters.eatBuffers", [800, 60]);
    assert((eater?.peakMemory ?? 0) > 150 * MB, `${eater?.peakMemory}`);
    assertEquals(eater?.signal, "SIGKILL");
  },
);

Deno.test(
  "the process of a job that exceeds its time is measured",
  onLinux,
  async () => {
    await using t = await TestRunner.create({ killGrace: 100 });
    const facts = await factsOf(t, "jobs.spin", [], { timeout: 1 });
    assertMeasured(facts);
    assert((facts?.cpuSeconds ?? 0) >= 0.1, `${facts?.cpuSeconds}`);
    assert(facts?.signal?.startsWith("SIG"), facts?.signal);
  },
);

Deno.test(
  "the process of a job that is stopped is measured",
  onLinux,
  async () => {
    await using t = await TestRunner.create({});
    const abort = new AbortController();
    const { signal } = abort;
    const facts = factsOf(t, "jobs.spinLater", [0], { signal });
    await until("it spins", () => t.stdout().includes("spins"));
    abort.abort(new Error("stopped"));
    assertMeasured(await facts);
  },
);

Deno.test(
  "a job that succeeds is measured only if that is wanted",
  onLinux,
  async () => {
    await using t = await TestRunner.create({});
    assertEquals(await factsOf(t, "jobs.one"), {});
    await using measuring = await TestRunner.create({ measure: true });
    assertMeasured(await factsOf(measuring, "jobs.one"));
  },
);

Deno.test(
  "a process that serves several jobs is not measured for the later ones",
  onLinux,
  async () => {
    await using t = await TestRunner.create({ way: "reuse", measure: true });
    assertMeasured(await factsOf(t, "jobs.one"));
    assertEquals(await factsOf(t, "jobs.one"), {});
  },
);

Deno.test("a process that is gone has used nothing that can be told", () => {
  assertEquals(usageOf(2 ** 22 + 1), undefined);
});
