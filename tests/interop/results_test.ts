/** Results and workers across the languages: each reads what the other one's workers have stored. */

import { assert, assertEquals } from "@std/assert";
import { Job, Queue, type Result, WorkerInfo } from "../../mod.ts";
import { eachPython, findPythons, waitFor } from "./support.ts";

// Who ran an attempt, and when, is stored since RQ 2.
const pythons = (await findPythons()).filter(({ major }) => major >= 3);

eachPython(
  pythons,
  "Deno reads the results of jobs that Python has run, and Python those of Deno's",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const { connection } = queue;
    const bursts: [string, () => Promise<unknown>][] = [
      ["python", () => stage.pythonBurst("default")],
      ["deno", () => stage.denoBurst("default")],
    ];
    for (const [name, burst] of bursts) {
      // Python keeps nothing of an attempt that its retry option repeats.
      const isOurs = name === "deno";
      const good = await queue.enqueue("shared.add", 1, 2);
      const bad = await queue.enqueueCall({
        func: "shared.fail",
        args: ["no"],
        retry: 1,
      });
      await burst();
      const [result] = await good.results();
      assertEquals([result?.type, result?.returnValue], ["successful", 3]);
      const failures = await bad.results();
      assertEquals(
        failures.map(({ type }) => type),
        isOurs ? ["failed", "retried"] : ["failed"],
      );
      for (const { workerName, executionId, excString } of failures) {
        assert(workerName && executionId, name);
        assert(excString?.includes("no"), `${excString}`);
      }
      for (const { executionStartedAt, executionEndedAt } of failures) {
        assert(executionStartedAt !== null && executionEndedAt !== null);
        assert(executionEndedAt >= executionStartedAt);
      }
      const attempts = failures.map(({ attempt }) => attempt);
      assertEquals(attempts, isOurs ? [2, 1] : [null]);

      const seen = await stage.py<unknown[]>(
        `
        job, bad = fetch(args["good"]), fetch(args["bad"])
        out = [job.latest_result().type.name, job.latest_result().return_value,
               [r.type.name for r in bad.results()],
               [bool(r.worker_name) and bool(r.execution_id) for r in bad.results()]]
        `,
        { good: good.id, bad: bad.id },
      );
      assertEquals(seen, [
        "SUCCESSFUL",
        3,
        isOurs ? ["FAILED", "RETRIED"] : ["FAILED"],
        failures.map(() => true),
      ]);
      const fetched = await Job.fetch(bad.id, { connection });
      assertEquals(fetched.retriesLeft, 0);
    }
  },
);

eachPython(
  pythons,
  "a job that Deno stops has a result that Python reads as STOPPED",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    await stage.listening("default");
    const [go, mark] = [`${stage.folder}/go`, `${stage.folder}/mark`];
    const job = await queue.enqueue("shared.hold", go, mark);
    await stage.reaches(job.id, "started");
    const { id } = job;
    const stop = `
      from rq.command import send_stop_job_command
      send_stop_job_command(redis, args["id"], serializer=JSONSerializer)
    `;
    await stage.py(stop, { id });
    await stage.reaches(id, "stopped");
    const result: Result | null = await job.latestResult();
    assertEquals([result?.type, result?.attempt], ["stopped", 1]);
    const read = `
      result = fetch(args["id"]).latest_result()
      out = [result.type.name, result.exc_string]
    `;
    assertEquals(await stage.py(read, { id }), ["STOPPED", result!.excString]);
  },
);

eachPython(
  pythons,
  "Deno shows a worker of Python and the job that it runs, and Python one of Deno",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const { connection } = queue;
    const [go, mark] = [`${stage.folder}/go`, `${stage.folder}/mark`];
    stage.pythonWorker("default");
    const job = await queue.enqueue("shared.hold", go, mark);
    await stage.reaches(job.id, "started");
    const worker = await waitFor("Python says what it runs", async () => {
      const [worker] = await WorkerInfo.all({ connection, queue: "default" });
      return worker?.currentJobIds.length === 1 ? worker : undefined;
    });
    assertEquals([worker.isAlive, worker.state], [true, "busy"]);
    assertEquals([worker.queues, worker.currentJobIds], [["default"], [
      job.id,
    ]]);
    assert(/^3\./.test(worker.runtime ?? ""), `${worker.runtime}`);
    const [execution] = await job.executions();

    assertEquals(execution?.workerName, worker.name);
    assert(execution?.createdAt instanceof Date);

    await stage.denoWorker("other");
    const ours = await waitFor("a worker of Deno registers", async () => {
      const [worker] = await WorkerInfo.all({ connection, queue: "other" });
      return worker;
    });
    const seen = await stage.py<unknown[]>(
      `
      from rq import Worker
      out = sorted([w.name, w.python_version] for w in Worker.all(connection=redis))
      `,
    );
    assertEquals(
      seen,
      [[ours.name, ours.runtime], [worker.name, worker.runtime]].sort(),
    );
    await Deno.writeTextFile(go, "");
    await stage.reaches(job.id, "finished");
  },
);

eachPython(
  pythons,
  "patches of meta by Deno and Python's save_meta() see each other's keys",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({ func: "shared.add", meta: { a: 1 } });
    const { id } = job;
    const seen = await stage.py<unknown>(
      `
      job = fetch(args["id"])
      job.meta["python"] = [1, {"x": None}]
      job.save_meta()
      out = job.meta
      `,
      { id },
    );
    assertEquals(seen, { a: 1, python: [1, { x: null }] });
    await job.setMeta({ deno: "ü", a: undefined });
    assertEquals(job.meta, { python: [1, { x: null }], deno: "ü" });
    const read = `out = fetch(args["id"]).get_meta()`;
    assertEquals(await stage.py(read, { id }), job.meta);
  },
);
