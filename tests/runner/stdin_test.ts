import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { JobRun } from "../../lib/runner/job_run.ts";
import { Subprocess } from "../../lib/runner/subprocess.ts";
import { eachWay, FIXTURES } from "./support.ts";

const ignore = Deno.build.os === "windows";

eachWay("whoever reads a job's stdin gets nothing", async (create) => {
  await using t = await create();
  const read = await t.result("stdin.readAll") as Record<string, unknown>;
  for (const [way, text] of Object.entries(read)) assertEquals(text, "", way);
  assertEquals(await t.result("stdin.echo", [1]), [1]);
});

eachWay(
  "a program that goes on reading a job's stdin takes nothing from the next job",
  async (create) => {
    await using t = await create();
    await t.result("stdin.leaveReader");
    for (let i = 0; i < 20; i++) {
      assertEquals(await t.result("stdin.echo", [i]), [i]);
    }
    assertEquals(t.stdout(), "");
  },
);

eachWay(
  "a job without permissions has none for what its worker says either",
  async (create) => {
    await using t = await create({ flags: [] });
    assertEquals(await t.result("stdin.openControl"), "prompt, NotCapable");
    assertEquals(await t.result("stdin.echo", [1]), [1]);
  },
);

Deno.test({
  name:
    "where stdin is the control pipe, a job whose request another has eaten has not begun, and is no timeout",
  ignore,
  async fn() {
    const nothing = () => Promise.resolve();
    const child = new Subprocess({
      command: Deno.execPath(),
      args: [
        "run",
        ...["-A", "--quiet", "--no-lock", "--no-config"],
        new URL("../../lib/runner/child.ts", import.meta.url).href,
      ],
      isolation: "reuse",
      sink: { stdout: nothing, stderr: nothing },
    });
    const run = (exportName: string) => {
      const url = pathToFileURL(join(FIXTURES, "stdin.ts")).href;
      const call = { funcName: "stdin.x", args: [], kwargs: {} };
      const request = { jobId: exportName, meta: {}, ...call };
      const job = JSON.stringify({ url, exportName, request });
      const options = { child, jobId: exportName, job, timeout: 1 };
      const host = {
        enqueue: () => Promise.resolve(""),
        saveMeta: nothing,
        parents: () => Promise.resolve("[]"),
        saveProgress: nothing,
        log: nothing,
        steps: () => Promise.resolve(""),
        emit: () => Promise.resolve(),
      };
      return new JobRun({ ...options, host, killGrace: 100, reusable: true })
        .run();
    };
    assertEquals(await child.ready, true);
    assertEquals((await run("leaveReader"))?.type, "success");
    // The two take turns; what a job gets, it does.
    let ended = await run("echo");
    for (let i = 0; i < 20 && ended?.type === "success"; i++) {
      ended = await run("echo");
    }
    assertEquals(ended, undefined);
    await child.close();
  },
});
