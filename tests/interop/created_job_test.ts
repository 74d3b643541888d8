/** A job that one language creates, the other one enqueues. */

import { assertEquals } from "@std/assert";
import { Job, Queue } from "../../mod.ts";
import { eachPython, findPythons } from "./support.ts";

// Older ones do not know the status.
const pythons = (await findPythons()).filter(({ major }) => major >= 3);

eachPython(
  pythons,
  "A job that Python has created is enqueued by Deno, and runs in either language",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    for (const run of [stage.denoBurst, stage.pythonBurst]) {
      const id = await stage.py<string>(`
        from rq.job import Job
        job = Job.create("shared.add", args=(1, 2), kwargs={"scale": 3}, connection=redis, serializer=JSONSerializer)
        job.save()
        assert job.get_status() == "created", job.get_status()
        out = job.id
      `);
      const job = await Job.fetch(id, { connection: stage.url });
      assertEquals(await job.getStatus(), "created");
      await queue.enqueueJob(job);
      await run.call(stage, "default");
      const { status, value, timeout, origin } = await stage.look(id);
      assertEquals([status, value, timeout, origin], [
        "finished",
        9,
        180,
        "default",
      ]);
      await job.close();
    }
  },
);

eachPython(
  pythons,
  "A job that Deno has created is enqueued by Python, and runs in either language",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    for (const run of [stage.denoBurst, stage.pythonBurst]) {
      const parent = await queue.enqueue("shared.nothing");
      const job = await queue.createJob({
        func: "shared.add",
        args: [1, 2],
        dependsOn: parent,
      });
      await job.save();
      await stage.py(
        `
        job = fetch(args["id"])
        assert job.get_status() == "created", job.get_status()
        queue().enqueue_job(job)
        assert job.get_status() == "deferred", job.get_status()
        `,
        { id: job.id },
      );
      await run.call(stage, "default");
      assertEquals(await job.wait({ timeout: 10 }), 3);
    }
  },
);
