/** Python reads everything that Deno writes, at each stage of a job's and a worker's life. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Job, Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();

/** `rq info`, which also runs maintenance, with the two serializers. */
async function info(stage: Stage): Promise<string> {
  const [text, raw] = await Promise.all([
    stage.rqDone("info"),
    stage.rqDone("info", "--raw", "-S", stage.python.serializer),
  ]);
  assertMatch(text, /\d+ workers, \d+ queues/);
  return raw;
}

/** Everything that Python can read of a job. */
async function fetched(stage: Stage, job: Job, status: string) {
  const look = await stage.look(job.id);
  assertEquals(look.status, status);
  assertEquals([look.func, look.origin], [job.funcName, "default"]);
  assertEquals(look.description, job.description);
  const answers = await stage.py<Record<string, unknown>>(
    `
    job = fetch(args["id"])
    job.refresh()
    out = {
        "is": [name for name in ("queued", "started", "finished", "failed", "deferred", "canceled", "stopped")
               if getattr(job, "is_" + name)],
        "results": len(job.results()),
        "exc": job.exc_info,
        "dict": sorted(job.to_dict()),
        "position": job.get_position(),
        "dependents": sorted(text(i.decode()) for i in redis.smembers(job.dependents_key)),
        "met": job.dependencies_are_met(),
    }
    job.save()
    `,
    { id: job.id },
  );
  assertEquals(answers["is"], [status]);
  return { look, ...answers } as
    & { look: typeof look }
    & Record<string, unknown>;
}

eachPython(
  pythons,
  "Python fetches and saves a job of Deno at each stage of its life, and rq info runs",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const [go, mark] = [`${stage.folder}/go`, `${stage.folder}/mark`];
    const holding = await queue.enqueueCall({
      func: "shared.hold",
      args: [go, mark],
      meta: { a: 1 },
    });
    const queued = await fetched(stage, holding, "queued");
    assertEquals([queued["position"], queued["results"]], [0, 0]);
    const child = await queue.enqueueCall({
      func: "shared.add",
      args: [1, 2],
      dependsOn: holding,
      ttl: 500,
    });
    const deferred = await fetched(stage, child, "deferred");
    assertEquals([deferred["met"], deferred.look.enqueued], [false, null]);
    assertMatch(await info(stage), /^queue default 1/m);

    const worker = await stage.listening(
      "--name",
      "deno-1",
      "--job-monitoring-interval",
      "1",
      "default",
    );
    await stage.reaches(holding.id, "started");
    const started = await fetched(stage, holding, "started");
    assertEquals(started["dependents"], [child.id]);
    assertEquals(started.look.worker, "deno-1");
    assert(started.look.started);
    await waitFor(
      "a heartbeat writes the execution",
      async () =>
        await stage.send("EXISTS", `rq:executions:${holding.id}`) === 1,
    );
    assertMatch(await info(stage), /^worker deno-1 .* busy default/m);
    assertEquals(
      await stage.py(`
        worker = Worker.all(connection=redis)[0]
        out = [worker.name, worker.get_state(), worker.queue_names(), len(StartedJobRegistry(connection=redis))]
      `),
      ["deno-1", "busy", ["default"], 1],
    );
    assertEquals((await stage.look(holding.id)).status, "started");

    await Deno.writeTextFile(go, "");
    await stage.reaches(child.id, "finished");
    const finished = await fetched(stage, holding, "finished");
    assertEquals([finished["results"], finished.look.value], [1, "released"]);
    assertEquals(finished.look.meta, { a: 1 });

    const failing = await queue.enqueue("shared.fail", "no luck");
    await stage.reaches(failing.id, "failed");
    const failed = await fetched(stage, failing, "failed");
    assertMatch(String(failed["exc"]), /RangeError: no luck/);

    await Deno.remove(go);
    await Deno.remove(mark);
    const stopped = await queue.enqueue("shared.hold", go, mark);
    // "started" is written by the claim; RQ's command is for a worker that knows by then that it has the job.
    await waitFor(
      "the job runs",
      () => Deno.stat(mark).then(() => true, () => false),
    );
    await stage.py(
      `send_stop_job_command(redis, args["id"], serializer=JSONSerializer)`,
      { id: stopped.id },
    );
    await stage.reaches(stopped.id, "stopped");
    await fetched(stage, stopped, "stopped");

    const canceled = await queue.enqueueCall({
      func: "shared.add",
      args: [1, 1],
      dependsOn: failing,
    });
    await canceled.cancel();
    await fetched(stage, canceled, "canceled");

    const deleted = await queue.enqueueCall({
      func: "shared.add",
      args: [1, 1],
      dependsOn: failing,
    });
    await deleted.delete();
    assertEquals(
      await stage.py(
        `out = [Job.exists(args["id"], connection=redis), redis.keys("rq:*" + args["id"] + "*")]`,
        { id: deleted.id },
      ),
      [false, []],
    );
    assertMatch(await info(stage), /^worker deno-1 .* idle default/m);
    assertEquals(
      await stage.py(`
        worker = Worker.all(connection=redis)[0]
        out = [worker.successful_job_count, worker.failed_job_count, worker.total_working_time > 0]
      `),
      [2, 2, true],
    );
    const counts = await stage.py(`
      out = [len(r("default", connection=redis)) for r in (
          StartedJobRegistry, FinishedJobRegistry, FailedJobRegistry,
          DeferredJobRegistry, ScheduledJobRegistry, CanceledJobRegistry)]
    `);
    assertEquals(counts, [0, 2, 2, 0, 0, 1]);
    worker.kill("SIGTERM");
    assertEquals(await worker.ended(), 0);
    assert(!(await info(stage)).includes("deno-1"));
  },
);

eachPython(
  pythons,
  "rq info shows a Deno worker of several queues under each of them",
  async (stage) => {
    await stage.listening("--name", "deno-1", "high", "low");
    await stage.py(`
      queue("high").enqueue("shared.add", 1, 2)
    `);
    const raw = await info(stage);
    assertMatch(raw, /^queue high /m);
    assertMatch(raw, /^worker deno-1 \(.+ \d+\) \w+ high, low/m);
    const byQueue = await stage.rqDone("info", "--by-queue");
    assertMatch(byQueue, /^high: +deno-1 \(/m);
    assertEquals(
      await stage.py(`
        out = [Worker.count(queue=queue(name)) for name in ("high", "low", "other")]
      `),
      [1, 1, 0],
    );
  },
);
