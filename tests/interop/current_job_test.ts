/** What RQ's monitors see of a Deno worker while it runs a job, and after the job was taken away. */

import { assertEquals } from "@std/assert";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();

const HOLD =
  `out = queue().enqueue("shared.hold", args["go"], args["mark"]).id`;

/** The worker as Python sees it: its state, and the id of its current job. */
function seen(stage: Stage): Promise<[string, string | null]> {
  return stage.py(`
    from rq import Worker
    (worker,) = Worker.all(connection=redis, serializer=JSONSerializer)
    state = worker.get_state()
    out = [getattr(state, "value", state), worker.get_current_job_id()]
  `);
}

/** A Deno worker, and its running job once Python sees that. */
async function running(stage: Stage): Promise<string> {
  await stage.listening("default");
  const id = await stage.py<string>(HOLD, {
    go: `${stage.folder}/never`,
    mark: `${stage.folder}/runs`,
  });
  await waitFor("Python sees the current job", async () => {
    const [state, current] = await seen(stage);
    return state === "busy" && current === id;
  });
  return id;
}

const TAKEN = {
  cancels: `fetch(args["id"]).cancel()`,
  deletes: `fetch(args["id"]).delete()`,
};

for (const [does, code] of Object.entries(TAKEN)) {
  eachPython(
    pythons,
    `A Deno worker whose running job Python ${does} is seen idle, without another job`,
    async (stage) => {
      const id = await running(stage);
      await stage.py(code, { id });
      await waitFor("Python sees an idle worker", async () => {
        const [state, current] = await seen(stage);
        return state === "idle" && current === null;
      });
      assertEquals(await stage.send("ZCARD", "rq:wip:default"), 0);
    },
  );
}
