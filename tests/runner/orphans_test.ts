import { assert } from "@std/assert";
import { MARK_PREFIX, Orphans } from "../../lib/runner/orphans.ts";
import { until } from "./support.ts";

/** Starts a shell that starts something, tells its process id, and ends once it may. */
async function startShell(...marks: string[]) {
  const shell = new Deno.Command("sh", {
    args: ["-c", "setsid sleep 300 >&- 2>&- & echo $!; read line"],
    env: Object.fromEntries(marks.map((mark) => [MARK_PREFIX + mark, "1"])),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = shell.stdout.getReader();
  const pid = Number(new TextDecoder().decode((await reader.read()).value));
  return {
    pid,
    async end() {
      await shell.stdin.close();
      await reader.cancel();
      await shell.status;
    },
  };
}

function newMark(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

Deno.test({
  name: "Orphans.marks() has the marks of what has lost its parent",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const orphans = new Orphans();
    // Several, where a job has started a worker.
    const [outer, inner] = [newMark(), newMark()];
    const { pid, end } = await startShell(outer, inner);
    assert(!orphans.marks()!.has(outer), "it has its parent");
    await end();
    const hasBoth = () => {
      const marks = orphans.marks()!;
      return marks.has(outer) && marks.has(inner);
    };
    await until("its parent is gone", hasBoth);
    assert(hasBoth(), "it is still there at the next look");
    Deno.kill(pid, "SIGKILL");
    await until("it is gone", () => !orphans.marks()!.has(outer));
  },
});
