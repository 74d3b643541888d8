import { assert, assertEquals } from "@std/assert";
import { childrenOf, FIXTURES, isAlive, pidsIn, until } from "./support.ts";
import { Guardian } from "../../lib/runner/guardian.ts";

Deno.test("A worker killed by SIGKILL leaves no child and no grandchild", async () => {
  const worker = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-config",
      `${FIXTURES}/worker.ts`,
      "jobs.spawnSleepers",
      "spin",
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = worker.stdout.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (pidsIn(text).length < 2) {
    const chunk = await reader.read();
    assert(!chunk.done, text);
    text += decoder.decode(chunk.value);
  }
  // The job's subprocess, two that wait, and the guardian.
  await until("all are there", () => childrenOf(worker.pid).length === 4);
  const all = [...childrenOf(worker.pid), ...pidsIn(text)];
  assert(all.every(isAlive));
  worker.kill("SIGKILL");
  await worker.status;
  await until("all are gone", () => !all.some(isAlive), 2_000);
  await reader.cancel();
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
