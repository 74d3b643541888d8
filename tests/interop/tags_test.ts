/** Python knows nothing of tags: they stay with the job, whatever it does to it. */

import { assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { eachPython, findPythons } from "./support.ts";

const pythons = await findPythons();

eachPython(
  pythons,
  "A job that Python has run, requeued or deleted is found by its tags as long as it exists",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const tags = ["mail"];
    const found = async () => {
      const jobs = await Array.fromAsync(queue.jobsByTag("mail"));
      return await Promise.all(jobs.map((job) => job.getStatus()));
    };
    const job = await queue.enqueueCall({
      func: "shared.fail",
      args: ["x"],
      tags,
    });
    await stage.pythonBurst("default");
    assertEquals(await found(), ["failed"]);
    await stage.py(`fetch(args["id"]).requeue()`, { id: job.id });
    assertEquals(await found(), ["queued"]);
    await stage.pythonBurst("default");
    assertEquals(await found(), ["failed"]);
    await stage.py(`fetch(args["id"]).delete()`, { id: job.id });
    assertEquals(await found(), []);
  },
);
