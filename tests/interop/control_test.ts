/** What Deno tells Python's workers to do and not to do. Python's commands to Deno workers are in commands_test.ts. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isFile } from "../../lib/base/files.ts";
import {
  isSuspended,
  Job,
  resume,
  sendKillHorseCommand,
  sendShutdownCommand,
  suspend,
} from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();

/** A job that runs until `<folder>/go` exists; resolves once it runs. */
async function holding(stage: Stage, more = ""): Promise<string> {
  const mark = `${stage.folder}/runs`;
  const id = await stage.py<string>(
    `out = queue().enqueue("shared.hold", args["go"], args["mark"]${more}).id`,
    { go: `${stage.folder}/go`, mark },
  );
  await waitFor("the job runs", () => isFile(mark));
  return id;
}

eachPython(
  pythons,
  "job.stop() stops a job that Python runs, even one with retries, and Deno knows who asked",
  async (stage) => {
    stage.pythonWorker("default");
    const id = await holding(stage, ", retry=Retry(max=2)");
    await using job = await Job.fetch(id, { connection: stage.url });
    await job.stop({ by: "ann", reason: "too slow", timeout: 60 });
    const look = await stage.look(id);
    assertEquals(look.status, "stopped");
    assertStringIncludes(look.exc ?? "", "stopped by user");
    await job.refresh();
    assertEquals(job.stoppedBy, { by: "ann", reason: "too slow" });
    assertEquals(
      await stage.py(`out = FailedJobRegistry(connection=redis).get_job_ids()`),
      [id],
    );
  },
);

eachPython(
  pythons,
  "what Deno has stopped is stopped for Python, which can requeue it",
  async (stage) => {
    await stage.listening("default");
    const id = await holding(stage);
    await using job = await Job.fetch(id, { connection: stage.url });
    await job.stop({ by: "ann", timeout: 60 });
    const look = await stage.look(id);
    assertEquals([look.status, look.type], ["stopped", 3]);
    await stage.py(`fetch(args["id"]).requeue()`, { id });
    await Deno.writeTextFile(`${stage.folder}/go`, "");
    assertEquals((await stage.reaches(id, "finished")).value, "released");
    await job.refresh();
    assertEquals(job.stoppedBy, null);
  },
);

eachPython(
  pythons,
  "suspend() keeps a Python worker from new jobs until resume(), and rq suspend is seen by Deno",
  async (stage) => {
    const connection = stage.url;
    await suspend({ connection });
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    const refused = await stage.rq("worker", "default").ended();
    assert(refused !== 0, "it starts all the same");
    assertEquals((await stage.look(id)).status, "queued");
    assertEquals(await resume({ connection }), true);
    await stage.pythonBurst("default");
    assertEquals((await stage.look(id)).value, 3);
    await stage.rqDone("suspend");
    assertEquals(await isSuspended({ connection }), true);
    await stage.rqDone("resume");
    assertEquals(await isSuspended({ connection }), false);
  },
);

eachPython(
  pythons,
  "Deno's commands kill the job of a Python worker, and shut it down",
  async (stage) => {
    const connection = stage.url;
    const worker = stage.pythonWorker("default", "--name", "py-1");
    const id = await holding(stage);
    assertEquals(await sendKillHorseCommand("py-1", { connection }), true);
    const look = await stage.reaches(id, "failed");
    assertStringIncludes(look.exc ?? "", "terminated unexpectedly");
    assertEquals(await sendShutdownCommand("py-1", { connection }), true);
    assertEquals(await worker.ended(), 0);
    assertEquals(await sendShutdownCommand("py-1", { connection }), false);
  },
);
