/** Registries as both languages see them, and what each does to the other's jobs in them. */

import { assert, assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();

/** What Python reads of the registries of the queue `default`. */
function pythonView(stage: Stage): Promise<Record<string, string[]>> {
  return stage.py(`
  q = queue()
  out = {name: sorted(getattr(q, name + "_job_registry").get_job_ids())
         for name in ("started", "finished", "failed", "deferred", "scheduled", "canceled")}
  `);
}

/** The same as this library reads it. */
async function ownView(queue: Queue): Promise<Record<string, string[]>> {
  const registries = {
    started: queue.startedJobRegistry,
    finished: queue.finishedJobRegistry,
    failed: queue.failedJobRegistry,
    deferred: queue.deferredJobRegistry,
    scheduled: queue.scheduledJobRegistry,
    canceled: queue.canceledJobRegistry,
  };
  const view: Record<string, string[]> = {};
  for (const [name, registry] of Object.entries(registries)) {
    view[name] = (await registry.jobIds()).sort();
    assertEquals(await registry.count(), view[name].length);
    for (const id of view[name]) {
      assert(await registry.has(id), `${name} ${id}`);
    }
  }
  return view;
}

eachPython(
  pythons,
  "Both languages see the same jobs in the registries, whoever has run them",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const ids: string[] = await stage.py(`
    import datetime
    q = queue()
    jobs = [q.enqueue("shared.add", 1, 2), q.enqueue("shared.fail", "x")]
    out = [job.id for job in jobs]
    `);
    const [finished = "", failed = ""] = ids;
    await stage.pythonBurst("default");
    const scheduled = await queue.enqueueIn("1h", "shared.nothing");
    const waits = await queue.enqueue("shared.nothing");
    const deferred = await queue.enqueueCall({
      func: "shared.nothing",
      dependsOn: waits,
    });
    const canceled = await queue.enqueue("shared.nothing");
    await canceled.cancel();
    const expected = {
      started: [],
      finished: [finished],
      failed: [failed],
      deferred: [deferred.id],
      scheduled: [scheduled.id],
      canceled: [canceled.id],
    };
    assertEquals(await ownView(queue), expected);
    assertEquals(await pythonView(stage), expected);

    const other = new Queue("other", { connection: queue.connection });
    const started: string = await stage.py(
      `out = queue("other").enqueue("shared.hold", args["go"], args["mark"]).id`,
      { go: `${stage.folder}/go`, mark: `${stage.folder}/mark` },
    );
    stage.pythonWorker("other");
    const { startedJobRegistry } = other;
    await waitFor(
      "the job is in the started registry",
      () => startedJobRegistry.has(started),
    );
    assertEquals(await startedJobRegistry.jobIds(), [started]);
  },
);

eachPython(
  pythons,
  "Python runs what Deno requeues out of its registries, and Deno what Python requeues",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const id: string = await stage.py(
      `out = queue().enqueue("shared.fail", "x").id`,
    );
    await stage.pythonBurst("default");
    const failed = queue.failedJobRegistry;
    const [job] = await Array.fromAsync(failed.jobs({ func: "shared.fail" }));
    assertEquals(job?.id, id);
    assertEquals((await failed.requeueAll({ error: "x" })).done, 1);
    assertEquals((await stage.look(id)).status, "queued");
    await stage.pythonBurst("default");
    assertEquals((await stage.look(id)).status, "failed");
    await stage.py(`queue().failed_job_registry.requeue(args["id"])`, { id });
    await stage.denoBurst("default");
    assertEquals((await stage.look(id)).status, "failed");
    assertEquals((await failed.clear()).done, 1);
    assertEquals(await pythonView(stage).then(({ failed }) => failed), []);
    const gone = await stage.py(`out = redis.exists("rq:job:" + args["id"])`, {
      id,
    });
    assertEquals(gone, 0);
  },
);
