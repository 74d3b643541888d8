/** Python and jobs that sleep between steps. */

import { assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { eachPython, findPythons } from "./support.ts";

const pythons = await findPythons();

eachPython(
  pythons,
  "Python lists a job that sleeps as scheduled, its scheduler wakes it, and Deno goes on",
  async (stage) => {
    const path = `${stage.folder}/ledger`;
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueue("steps.rests", path, 2);
    await stage.listening("--no-scheduler", "default");
    await stage.reaches(job.id, "scheduled");
    await stage.py(
      `
      from rq.scheduler import RQScheduler
      registry = ScheduledJobRegistry(connection=redis)
      job = fetch(args["id"])
      assert job in registry and job.started_at is None, job.to_dict()
      assert registry.get_scheduled_time(job).year >= 2026
      job.save()
      scheduler = RQScheduler(["default"], connection=redis)
      assert scheduler.acquire_locks()
      while job.get_status() == "scheduled":
          scheduler.enqueue_scheduled_jobs()
          time.sleep(0.05)
      scheduler.release_locks()
      out = None
      `,
      { id: job.id },
    );
    assertEquals((await stage.reaches(job.id, "finished")).value, "rested");
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    assertEquals(lines, ["before", "after"]);
  },
);

eachPython(
  pythons,
  "Python deletes a job that waits for a signal, with all that is kept of its steps",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueue("steps.waits");
    await stage.listening("default");
    await stage.reaches(job.id, "scheduled");
    const left = await stage.py<string[]>(
      `
      fetch(args["id"]).delete()
      out = [key.decode() for key in redis.keys("*" + args["id"] + "*")]
      `,
      { id: job.id },
    );
    assertEquals(left, []);
  },
);
