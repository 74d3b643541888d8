/** Watching jobs that Python runs, and what Python does with jobs that have a log. */

import { assertEquals } from "@std/assert";
import { isFile } from "../../lib/base/files.ts";
import { Job } from "../../mod.ts";
import { eachPython, findPythons, waitFor } from "./support.ts";

const pythons = await findPythons();

eachPython(
  pythons,
  "job.watch() sees that a Python worker begins a job and finishes it",
  async (stage) => {
    const [go, mark] = [`${stage.folder}/go`, `${stage.folder}/runs`];
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.hold", args["go"], args["mark"]).id`,
      { go, mark },
    );
    await using job = await Job.fetch(id, { connection: stage.url });
    const seen: unknown[] = [];
    for await (const event of job.watch()) {
      if (event.type !== "status") continue;
      seen.push(event.status);
      if (event.status === "queued") stage.pythonWorker("default");
      if (event.status !== "started") continue;
      await waitFor("the job runs", () => isFile(mark));
      await Deno.writeTextFile(go, "");
    }
    assertEquals(seen, ["queued", "started", "finished"]);
  },
);

eachPython(
  pythons,
  "Python requeues and deletes a job that has a log as any other",
  async (stage) => {
    await stage.listening("default");
    const id = await stage.py<string>(
      `out = queue().enqueue("logs.logs_and_fails").id`,
    );
    await stage.reaches(id, "failed");
    await using job = await Job.fetch(id, { connection: stage.url });
    await stage.py(`fetch(args["id"]).requeue()`, { id });
    const texts = async () =>
      (await Array.fromAsync(job.logs())).map(({ text }) => text);
    await waitFor(
      "both runs have logged",
      async () =>
        (await texts()).length === 2 && await job.getStatus() === "failed",
    );
    assertEquals(await texts(), ["run 1", "run 2"]);
    await stage.py(`fetch(args["id"]).delete()`, { id });
    assertEquals(await job.getStatus(), null);
  },
);
