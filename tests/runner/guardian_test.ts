import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Guardian } from "../../lib/runner/guardian.ts";
import { MARK_PREFIX } from "../../lib/runner/orphans.ts";
import { childrenOf, commandOf, isAlive } from "../support/proc.ts";
import { Program } from "../support/processes.ts";
import { waitFor } from "../support/wait_for.ts";
import { FIXTURES, pidsIn, until } from "./support.ts";

/** Starts a worker with a job that has started processes, and waits for all of them. */
async function startWorker(...job: string[]) {
  const stack = new AsyncDisposableStack();
  const worker = stack.use(
    new Program(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-config", `${FIXTURES}/worker.ts`, ...job],
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    ),
  );
  await waitFor(() => pidsIn(worker.stdout).length === 2);
  // The job's subprocess, two that wait, and the guardian.
  await until("all are there", () => childrenOf(worker.pid).length === 4);
  const all = [...childrenOf(worker.pid), ...pidsIn(worker.stdout)];
  assert(all.every(isAlive));
  // If the test fails, they would burden the machine: one of them spins.
  stack.defer(() =>
    all.filter(isAlive).forEach((pid) => Deno.kill(pid, "SIGKILL"))
  );
  return {
    worker,
    all,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function guardianOf(worker: number): number | undefined {
  return childrenOf(worker).find((pid) => commandOf(pid).startsWith("sh\0-c"));
}

const JOBS = [
  ["jobs.spawnSleepers", "spin"],
  ["leavers.detachAndSpin"],
];

Deno.test.each(JOBS)(
  "A worker killed by SIGKILL leaves no child and no grandchild: %s",
  async (...job) => {
    await using started = await startWorker(...job);
    const { worker, all } = started;
    worker.kill("SIGKILL");
    await until("all are gone", () => !all.some(isAlive));
  },
);

Deno.test.each(JOBS)(
  "nor does one whose guardian was killed before: %s",
  async (...job) => {
    await using started = await startWorker(...job);
    const { worker, all } = started;
    const killed = guardianOf(worker.pid)!;
    Deno.kill(killed, "SIGKILL");
    await until("there is another", () => {
      const guardian = guardianOf(worker.pid);
      return guardian !== undefined && guardian !== killed;
    });
    worker.kill("SIGKILL");
    await until("all are gone", () => !all.some(isAlive));
  },
);

Deno.test.each([
  { what: "is registered", state: "runs", env: {} },
  {
    what: "a group has left",
    state: "ended",
    env: { [MARK_PREFIX + "a1"]: "1" },
  },
])(
  "a guardian that replaces a killed one kills what $what from its first moment on",
  async ({ state, env }) => {
    const sleeper = new Deno.Command("sleep", {
      args: ["60"],
      detached: true,
      env,
    }).spawn();
    const path = `${FIXTURES}/dies_with_new_guardian.ts`;
    const { signal } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", path, `${sleeper.pid}`, "a1", state],
      stdin: "null",
    }).output();
    assertEquals(signal, "SIGKILL");
    assertEquals((await sleeper.status).signal, "SIGKILL");
  },
);

Deno.test("a guardian that is killed again and again is started again after a pause, which is told once", async () => {
  const sleeper = new Deno.Command("sleep", { args: ["300"], detached: true })
    .spawn();
  const warnings: string[] = [];
  const guardian = Guardian.start({
    onWarning: (text) => warnings.push(text),
  })!;
  await guardian.add(sleeper.pid, "none");
  for (let i = 0; i < 3; i++) {
    const pid = await waitFor(() => guardian.pid);
    Deno.kill(pid, "SIGKILL");
    await until("it has noticed", () => guardian.pid !== pid);
    // At once the first time only.
    assertEquals(guardian.pid === undefined, i > 0);
  }
  await waitFor(() => guardian.pid);
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0]!, "it ends again and again");
  await guardian.close();
  assertEquals((await sleeper.status).signal, "SIGKILL");
});

Deno.test("a guardian that can never be started is told of once, and costs no more than a start now and then", async () => {
  await using program = new Program(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", `${FIXTURES}/without_sh.ts`],
      env: { PATH: "/nowhere" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  assertEquals((await program.status).code, 0, program.stderr);
  const [line, ...more] = program.stdout.trim().split("\n");
  assertStringIncludes(line!, "Cannot keep the guardian of running jobs alive");
  assertEquals(more, []);
});

Deno.test.each([
  { what: "has become an orphan", orphans: new Set(["a1"]) },
  { what: "may have, where that cannot be told", orphans: undefined },
])(
  "Guardian.remove() kills what has the mark of a group and $what, in whatever group it is, and only that",
  async ({ orphans }) => {
    const start = (mark: string) =>
      new Deno.Command("sleep", {
        args: ["300"],
        detached: true,
        env: { [MARK_PREFIX + mark]: "1" },
      }).spawn();
    const [marked, same, other, unknown] = ["a1", "a1", "a12", "b"].map(start);
    await using guardian = Guardian.start({
      orphans: { marks: () => orphans },
    })!;
    await guardian.add(marked!.pid, "a1");
    await guardian.add(other!.pid, "a12");
    await guardian.remove(marked!.pid);
    assertEquals((await marked!.status).signal, "SIGKILL");
    assertEquals((await same!.status).signal, "SIGKILL");
    assert(isAlive(other!.pid) && isAlive(unknown!.pid));
    for (const sleeper of [other!, unknown!]) sleeper.kill("SIGKILL");
    await Promise.all([other!.status, unknown!.status]);
  },
);

Deno.test("a mark is looked for twice: what it is in may lose its parent a moment after the group has ended", async () => {
  const sleeper = new Deno.Command("sleep", {
    args: ["300"],
    detached: true,
    env: { [MARK_PREFIX + "a1"]: "1" },
  }).spawn();
  let looks = 0;
  await using guardian = Guardian.start({
    orphans: { marks: () => new Set(++looks === 2 ? ["a1"] : []) },
  })!;
  await guardian.add(sleeper.pid, "a1");
  await guardian.remove(sleeper.pid);
  assertEquals((await sleeper.status).signal, "SIGKILL");
});

Deno.test("a guardian that has looked for all marks looks no more, and searches for none that is not there", async () => {
  let looks = 0;
  const guardian = Guardian.start({
    orphans: { marks: () => (looks++, new Set<string>()) },
  })!;
  const sleeper = new Deno.Command("sleep", {
    args: ["300"],
    detached: true,
    env: { [MARK_PREFIX + "a1"]: "1" },
  }).spawn();
  await guardian.add(sleeper.pid, "a1");
  await guardian.remove(sleeper.pid);
  await until("it has looked", () => looks === 2);
  await guardian.close();
  assertEquals(looks, 2);
  assert(isAlive(sleeper.pid));
  sleeper.kill("SIGKILL");
  await sleeper.status;
});

Deno.test("Guardian.close() kills what is registered, and only that", async () => {
  const sleepers = [1, 2, 3].map(() =>
    new Deno.Command("sleep", { args: ["300"], detached: true }).spawn()
  );
  const [kept, removed, later] = sleepers.map((sleeper) => sleeper.pid);
  const guardian = Guardian.start()!;
  await guardian.add(kept!, "none");
  await guardian.add(removed!, "none");
  await guardian.remove(removed!);
  await guardian.add(later!, "none");
  await guardian.remove(later!);
  await guardian.close();
  assertEquals((await sleepers[0]!.status).signal, "SIGKILL");
  assert(isAlive(removed!) && isAlive(later!));
  for (const sleeper of sleepers.slice(1)) sleeper.kill("SIGKILL");
  await Promise.all(sleepers.map((sleeper) => sleeper.status));
});
