/** Jobs that are repeated, of both languages' producers, run by both languages' workers in turn. */

import { assertEquals } from "@std/assert";
import { Queue, repeat } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();
const newest = pythons.filter(({ major }) => major >= 3);

/** What Python reads of a job's repetition. */
function look(stage: Stage, id: string): Promise<unknown> {
  return stage.py(
    `
    job = fetch(args["id"])
    out = [job.get_status().value, job.repeats_left, job.repeat_intervals,
           [r.type.value for r in job.results()]]
    `,
    { id },
  );
}

/** Lets the time of a scheduled job come. */
async function makeDue(stage: Stage, id: string): Promise<void> {
  await stage.send("ZADD", "rq:scheduled:default", "XX", 1, id);
}

eachPython(
  newest,
  "Python's Repeat is carried out by a Deno worker: in order, to the last one",
  async (stage) => {
    const path = `${stage.folder}/ledger`;
    const id = await stage.py<string>(
      `
      from rq import Repeat
      q = queue()
      job = q.enqueue("shared.mark", args["path"], "x", repeat=Repeat(times=3, interval=[600, 0, 900]))
      child = q.enqueue("shared.mark", args["path"], "child", depends_on=job)
      out = job.id
      `,
      { path },
    );
    await stage.denoBurst("default");
    assertEquals(await look(stage, id), ["scheduled", 2, [0, 900], [1]]);
    assertEquals(await Deno.readTextFile(path), "x\nchild\n");
    await makeDue(stage, id);
    await stage.denoBurst("default");
    assertEquals(await look(stage, id), ["scheduled", 0, [900], [1, 1, 1]]);
    await makeDue(stage, id);
    await stage.denoBurst("default");
    assertEquals(await look(stage, id), ["finished", 0, [900], [1, 1, 1, 1]]);
    assertEquals(await Deno.readTextFile(path), "x\nchild\nx\nx\nx\n");
  },
);

eachPython(
  newest,
  "A Deno producer's repeat is carried out by Python's worker and scheduler",
  async (stage) => {
    const path = `${stage.folder}/ledger`;
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.mark",
      args: [path, "x"],
      repeat: repeat({ times: 2, interval: [0, 1] }),
    });
    stage.pythonWorker("--with-scheduler", "default");
    await waitFor("three runs", async () => {
      const [status, left] = await look(stage, job.id) as unknown[];
      return status === "finished" && left === 0;
    });
    assertEquals(await Deno.readTextFile(path), "x\nx\nx\n");
  },
);

eachPython(
  newest,
  "A job that is repeated for ever goes from worker to worker, whichever language they are in",
  async (stage) => {
    const path = `${stage.folder}/ledger`;
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.mark",
      args: [path, "x"],
      repeat: repeat({ times: Infinity, interval: [600, 900] }),
    });
    const burst = { deno: "denoBurst", python: "pythonBurst" } as const;
    let left = Number.MAX_SAFE_INTEGER;
    for (const who of ["deno", "python", "deno", "python"] as const) {
      await stage[burst[who]]("default");
      left--;
      const [status, seen, intervals] = await look(stage, job.id) as unknown[];
      assertEquals([who, status, seen, intervals], [
        who,
        "scheduled",
        left,
        [900],
      ]);
      const finished = await stage.send<string[]>(
        "ZRANGE",
        "rq:finished:default",
        0,
        -1,
      );
      // RQ leaves it there as well
      assertEquals(finished, who === "deno" ? [] : [job.id]);
      await stage.send("ZREM", "rq:scheduled:default", job.id);
      await stage.send("HSET", `rq:job:${job.id}`, "status", "queued");
      await stage.send("RPUSH", "rq:queue:default", job.id);
    }
    assertEquals(await Deno.readTextFile(path), "x\n".repeat(4));
    await job.cancel();
    assertEquals((await stage.look(job.id)).status, "canceled");
  },
);
