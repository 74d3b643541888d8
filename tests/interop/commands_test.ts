/** Python's commands to Deno workers, and changes of each side to the other's jobs. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { isFile } from "../../lib/base/files.ts";
import { Job, Queue } from "../../mod.ts";
import { waitForEqual } from "../support/wait_for.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();

/** A job that runs until `<name>.go` exists; resolves once it runs. */
async function holding(stage: Stage, code: string): Promise<string> {
  const mark = `${stage.folder}/runs`;
  const id = await stage.py<string>(code, {
    go: `${stage.folder}/go`,
    mark,
  });
  await waitFor("the job runs", () => isFile(mark));
  return id;
}

const HOLD =
  `out = queue().enqueue("shared.hold", args["go"], args["mark"]).id`;

function release(stage: Stage): Promise<void> {
  return Deno.writeTextFile(`${stage.folder}/go`, "");
}

eachPython(
  pythons,
  "send_stop_job_command() stops a job that Deno runs, even one with retries",
  async (stage) => {
    await stage.listening("default");
    const id = await holding(
      stage,
      `out = queue().enqueue("shared.hold", args["go"], args["mark"], retry=Retry(max=2)).id`,
    );
    await stage.py(
      `send_stop_job_command(redis, args["id"], serializer=JSONSerializer)`,
      { id },
    );
    const look = await stage.reaches(id, "stopped");
    assertEquals(look.type, 3);
    assertStringIncludes(look.exc ?? "", "stopped by user");
    assertEquals(
      await stage.py(`out = FailedJobRegistry(connection=redis).get_job_ids()`),
      [id],
    );
    const next = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    await stage.reaches(next, "finished");
  },
);

eachPython(
  pythons.filter(({ major }) => major >= 3),
  "send_stop_execution_command() stops a job that Deno runs",
  async (stage) => {
    await stage.listening("--job-monitoring-interval", "1", "default");
    const id = await holding(stage, HOLD);
    const execution = await waitFor("Python sees the execution", async () => {
      const ids = await stage.py<string[]>(
        `out = [e.id for e in fetch(args["id"]).get_executions()]`,
        { id },
      );
      return ids[0];
    });
    await stage.py(
      `
      from rq.command import send_stop_execution_command
      send_stop_execution_command(redis, args["id"], args["execution"])
      `,
      { id, execution },
    );
    await stage.reaches(id, "stopped");
    await waitForEqual<unknown>(
      () => stage.send("KEYS", `rq:execution*:${id}*`),
      [],
    );
  },
);

eachPython(
  pythons,
  "send_kill_horse_command() fails a job that Deno runs, and the worker goes on",
  async (stage) => {
    await stage.listening("--name", "deno-1", "default");
    const id = await holding(stage, HOLD);
    await stage.py(`send_kill_horse_command(redis, "deno-1")`);
    const look = await stage.reaches(id, "failed");
    assertStringIncludes(look.exc ?? "", "Work-horse terminated unexpectedly");
    const next = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    await stage.reaches(next, "finished");
  },
);

eachPython(
  pythons,
  "send_kill_horse_command() makes a job with retries run again",
  async (stage) => {
    await stage.listening("--name", "deno-1", "default");
    const id = await holding(
      stage,
      `out = queue().enqueue("shared.hold", args["go"], args["mark"], retry=Retry(max=1)).id`,
    );
    await Deno.remove(`${stage.folder}/runs`);
    await stage.py(`send_kill_horse_command(redis, "deno-1")`);
    await waitFor(
      "the job is killed",
      async () => (await stage.look(id)).retriesLeft === 0,
    );
    await release(stage);
    const look = await stage.reaches(id, "finished");
    assertEquals([look.value, look.retriesLeft], ["released", 0]);
  },
);

eachPython(
  pythons,
  "send_shutdown_command() lets a Deno worker finish its job and leave",
  async (stage) => {
    const worker = await stage.listening("--name", "deno-1", "default");
    const id = await holding(stage, HOLD);
    const next = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    await stage.py(`send_shutdown_command(redis, "deno-1")`);
    await worker.said("Warm shut down requested");
    await release(stage);
    assertEquals(await worker.ended(), 0);
    assertEquals((await stage.look(id)).value, "released");
    assertEquals((await stage.look(next)).status, "queued");
    assertEquals(await stage.send("SMEMBERS", "rq:workers"), []);
    assertEquals(await stage.send("SMEMBERS", "rq:workers:default"), []);
  },
);

eachPython(
  pythons,
  "rq suspend keeps a Deno worker from new jobs until rq resume",
  async (stage) => {
    const worker = await stage.listening("--name", "deno-1", "default");
    await stage.rqDone("suspend");
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    await worker.said("suspended");
    await waitFor(
      "the worker shows that it is suspended",
      async () =>
        await stage.send("HGET", "rq:worker:deno-1", "state") === "suspended",
    );
    assertEquals((await stage.look(id)).status, "queued");
    assertEquals(await stage.send("LRANGE", "rq:queue:default", 0, -1), [id]);
    assertStringIncludes(await stage.rqDone("info", "--raw"), "suspended");
    await stage.rqDone("resume");
    assertEquals((await stage.reaches(id, "finished")).value, 3);
  },
);

eachPython(
  pythons,
  "A queued job that Python has canceled or deleted is not run by Deno",
  async (stage) => {
    const path = `${stage.folder}/ran`;
    const [canceled] = await stage.py<string[]>(
      `
      a = queue().enqueue("shared.mark", args["path"], "canceled")
      b = queue().enqueue("shared.mark", args["path"], "deleted")
      queue().enqueue("shared.mark", args["path"], "run")
      a.cancel(); b.delete()
      out = [a.id, b.id]
      `,
      { path },
    );
    await stage.denoBurst("default");
    assertEquals(await Deno.readTextFile(path), "run\n");
    assertEquals((await stage.look(canceled!)).status, "canceled");
  },
);

eachPython(
  pythons,
  "A job that Python cancels while Deno runs it stays canceled",
  async (stage) => {
    const worker = await stage.listening("default");
    const id = await holding(stage, HOLD);
    await stage.py(`fetch(args["id"]).cancel()`, { id });
    await release(stage);
    const next = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    await stage.reaches(next, "finished");
    assertEquals((await stage.look(id)).status, "canceled", worker.output);
    assertEquals(await stage.send("ZRANGE", "rq:finished:default", 0, -1), [
      next,
    ]);
    assertEquals(await stage.send("ZRANGE", "rq:wip:default", 0, -1), []);
  },
);

eachPython(
  pythons,
  "A job that Python deletes while Deno runs it is stopped and leaves nothing",
  async (stage) => {
    const worker = await stage.listening("--job-monitoring-interval", "1");
    const id = await holding(stage, HOLD);
    await stage.py(`fetch(args["id"]).delete()`, { id });
    await worker.said("nothing recorded");
    await waitForEqual<unknown>(() => stage.send("KEYS", `rq:*${id}*`), []);
    await waitForEqual<unknown>(
      () => stage.send("ZRANGE", "rq:wip:default", 0, -1),
      [],
    );
  },
);

eachPython(
  pythons,
  "rq requeue --all puts back what failed or was stopped in Deno, and Deno runs it again",
  async (stage) => {
    const path = `${stage.folder}/attempts`;
    const id = await stage.py<string>(
      `
      job = queue().enqueue("shared.failUntil", args["path"], 2)
      queue().enqueue("shared.add", 1, 1, depends_on=job, job_id="child")
      out = job.id
      `,
      { path },
    );
    await stage.denoBurst("default");
    assertEquals((await stage.look(id)).status, "failed");
    await stage.rqDone(
      "requeue",
      "--queue",
      "default",
      "-S",
      stage.python.serializer,
      "--all",
    );
    assertEquals((await stage.look(id)).status, "queued");
    await stage.denoBurst("default");
    const look = await stage.look(id);
    assertEquals([look.status, look.value], ["finished", "attempt 2"]);
    assertEquals((await stage.look("child")).value, 2);
    const ttl = await stage.send<number>("TTL", `rq:job:${id}`);
    assert(ttl > 0 && ttl <= 500, `ttl ${ttl}`);
    assertEquals(await stage.send("ZCARD", "rq:failed:default"), 0);
  },
);

eachPython(
  pythons,
  "Deno cancels, deletes and requeues jobs of Python",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const ids = await stage.py<string[]>(`
      q = queue()
      bad = q.enqueue("shared.fail", "x")
      out = [bad.id, q.enqueue("shared.add", 1, 1, depends_on=bad).id]
    `);
    await stage.pythonBurst("default");
    const [bad, child] = await Promise.all(
      ids.map((id) => Job.fetch(id, { connection: queue.connection })),
    );
    await bad!.requeue();
    assertEquals((await stage.look(bad!.id)).status, "queued");
    assertEquals(await stage.send("ZCARD", "rq:failed:default"), 0);
    await assertRejects(() => bad!.requeue(), Error, "not failed");
    await stage.pythonBurst("default");
    assertEquals((await stage.look(bad!.id)).status, "failed");
    await child!.cancel();
    assertEquals((await stage.look(child!.id)).status, "canceled");
    assertEquals(
      await stage.py(
        `out = [CanceledJobRegistry(connection=redis).get_job_ids(), DeferredJobRegistry(connection=redis).get_job_ids()]`,
      ),
      [[child!.id], []],
    );
    assert(await bad!.delete());
    assert(await child!.delete());
    assertEquals(
      await stage.py(
        `
        def gone(id):
            try: fetch(id)
            except NoSuchJobError: return True
        out = [gone(id) for id in args["ids"]]
        `,
        { ids },
      ),
      [true, true],
    );
    assertEquals(await stage.send("KEYS", `rq:*${bad!.id}*`), []);
    await stage.pythonBurst("default");
  },
);

eachPython(
  pythons,
  "A job that Deno cancels while Python runs it is stopped, in Python's own way",
  async (stage) => {
    stage.pythonWorker("default");
    const id = await holding(stage, HOLD);
    await using job = await Job.fetch(id, { connection: stage.url });
    await job.cancel();
    const next = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    await stage.reaches(next, "finished");
    // RQ has no command that ends a run and leaves the status alone.
    const { status, value } = await stage.look(id);
    assert(["canceled", "stopped"].includes(status), status);
    assertEquals(value, null);
    assertEquals(await stage.send("ZRANGE", "rq:wip:default", 0, -1), []);
  },
);

eachPython(
  pythons,
  "A job that Deno deletes while Python runs it ends, and stays deleted",
  async (stage) => {
    stage.pythonWorker("default");
    const id = await holding(stage, HOLD);
    await using job = await Job.fetch(id, { connection: stage.url });
    await job.delete();
    const next = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 2).id`,
    );
    await stage.reaches(next, "finished");
    assertEquals(await job.getStatus(), null);
    assertEquals(await stage.send("EXISTS", `rq:job:${id}`), 0);
  },
);
