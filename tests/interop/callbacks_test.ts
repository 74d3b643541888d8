/** Callbacks that one language's producer names, and the other one's worker, or either, calls. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();
const newest = pythons.filter(({ major }) => major >= 3);

/** The lines of a file, sorted. */
async function lines(path: string): Promise<unknown[]> {
  const text = await Deno.readTextFile(path).catch(() => "");
  return text.split("\n").filter((line) => line.startsWith("["))
    .toSorted().map((line) => JSON.parse(line));
}

eachPython(
  newest,
  "A Python job's callbacks that name Deno functions are called by a Deno worker",
  async (stage) => {
    const path = `${stage.folder}/told`;
    await stage.py(
      `
      from rq import Callback
      told = Callback("told.told", timeout="7s")
      options = dict(on_success=told, on_failure=told, on_stopped=told)
      q = queue()
      q.enqueue("shared.echo", args["path"], 1, job_id="good", **options)
      q.enqueue("shared.fail", args["path"], job_id="bad", **options)
      `,
      { path },
    );
    await stage.denoBurst("default");
    assertEquals(await lines(path), [
      ["bad", "shared.fail", "failed", `RangeError: ${path}`],
      ["good", "shared.echo", "finished", [path, 1]],
    ]);
  },
);

eachPython(
  newest,
  "A Python worker calls the callbacks that Deno has named, and reads them as its own",
  async (stage) => {
    const path = `${stage.folder}/told`;
    await using queue = new Queue("default", { connection: stage.url });
    const options = {
      onSuccess: { func: "reports.success", timeout: "2m" },
      onFailure: "reports.failure",
      onStopped: "reports.stopped",
    };
    const good = await queue.enqueueCall({
      func: "shared.echo",
      args: [path, 1],
      ...options,
    });
    const bad = await queue.enqueueCall({
      func: "shared.fail",
      args: [path],
      ...options,
    });
    const seen = await stage.py(
      `
      job = fetch(args["id"])
      out = [job._success_callback_name, job.success_callback_timeout, job._failure_callback_name,
             job.failure_callback_timeout, job._stopped_callback_name, job.stopped_callback_timeout]
      `,
      { id: good.id },
    );
    assertEquals(seen, [
      "reports.success",
      120,
      "reports.failure",
      60,
      "reports.stopped",
      60,
    ]);
    await stage.pythonBurst("default");
    assertEquals(
      await lines(path),
      [
        [good.id, "shared.echo", "success", [[path, 1], {}]],
        [bad.id, "shared.fail", "failure", path],
      ].toSorted(),
    );
  },
);

/** A Python worker that listens, and is busy until it is told. */
async function busyPython(stage: Stage): Promise<() => Promise<void>> {
  const [gate, begun] = [`${stage.folder}/gate`, `${stage.folder}/begun`];
  await using queue = new Queue("default", { connection: stage.url });
  await queue.enqueue("shared.hold", gate, begun);
  stage.pythonWorker("default");
  await waitFor(
    "Python's job",
    () => Deno.stat(begun).then(() => true, () => false),
  );
  return () => Deno.writeTextFile(gate, "");
}

eachPython(
  newest,
  "A callback that only Python knows is left to a Python worker, which calls it as RQ does",
  async (stage) => {
    const path = `${stage.folder}/told`;
    const release = await busyPython(stage);
    const deno = await stage.listening("default");
    await stage.py(
      `
      from rq import Callback
      options = dict(on_success=Callback("reports.success"), on_failure=Callback("reports.failure"))
      q = queue()
      q.enqueue("shared.echo", args["path"], 1, job_id="good", **options)
      q.enqueue("shared.echo", args["path"], 2, job_id="gone", result_ttl=0, **options)
      q.enqueue("shared.fail", args["path"], job_id="bad", **options)
      `,
      { path },
    );
    await deno.said("Callback reports.failure is left to a Python worker");
    await release();
    await waitFor(
      "three callbacks",
      async () => (await lines(path)).length === 3,
    );
    assertEquals(await lines(path), [
      ["bad", "shared.fail", "failure", `RangeError: ${path}`],
      ["gone", "shared.echo", "success", [path, 2]],
      ["good", "shared.echo", "success", [path, 1]],
    ]);
    assertEquals((await stage.look("bad")).status, "failed");
    assertEquals((await stage.look("good")).status, "finished");
    await waitFor("their registries", async () => {
      const failed = await stage.send("ZRANGE", "rq:failed:default", 0, -1);
      return JSON.stringify(failed) === '["bad"]';
    });
  },
);

eachPython(
  newest,
  "A callback that a Deno worker knows is called by it, though a Python worker listens, too",
  async (stage) => {
    const path = `${stage.folder}/told`;
    const release = await busyPython(stage);
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.echo",
      args: [path],
      onSuccess: "told.told",
    });
    await stage.denoBurst("default");
    assertEquals(await lines(path), [
      [job.id, "shared.echo", "finished", [path]],
    ]);
    await release();
  },
);

eachPython(
  newest,
  "A callback that only Deno knows, and that a Python worker takes, goes back and is called by a Deno worker",
  async (stage) => {
    const path = `${stage.folder}/told`;
    await stage.send("HSET", "rq:worker:py", "birth", "2026-01-01T00:00:00Z");
    await stage.send("SADD", "rq:workers:default", "rq:worker:py");
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.echo",
      args: [path],
      onSuccess: "told.told",
    });
    await stage.denoBurst("default", "--max-jobs", "1");
    await stage.pythonBurst("default");
    const scheduled = await stage.send<string[]>(
      "ZRANGE",
      "rq:scheduled:default",
      0,
      -1,
    );
    assertEquals([scheduled.length, await lines(path)], [1, []]);
    await stage.send("ZADD", "rq:scheduled:default", "XX", 1, scheduled[0]!);
    await stage.denoBurst("default");
    assertEquals(await lines(path), [
      [job.id, "shared.echo", "finished", [path]],
    ]);
  },
);

eachPython(
  newest,
  "A callback of Python's that fails there is not called again",
  async (stage) => {
    const path = `${stage.folder}/told`;
    const release = await busyPython(stage);
    await using queue = new Queue("default", { connection: stage.url });
    await queue.enqueueCall({
      func: "shared.echo",
      args: [path],
      onSuccess: "reports.badly",
    });
    await stage.listening("default");
    await waitFor(
      "its place",
      async () => await stage.send("ZCARD", "rq:scheduled:default") === 1,
    );
    await release();
    await waitFor(
      "its failure",
      async () => await stage.send("ZCARD", "rq:failed:default") === 1,
    );
    const [id] = await stage.send<string[]>(
      "ZRANGE",
      "rq:failed:default",
      0,
      -1,
    );
    assertStringIncludes((await stage.look(id!)).exc ?? "", "told badly");
    assertEquals((await lines(path)).length, 1);
  },
);

eachPython(
  newest,
  "A stopped job's callback that only Python knows is called",
  async (stage) => {
    const [path, never] = [`${stage.folder}/told`, `${stage.folder}/never`];
    const release = await busyPython(stage);
    await stage.listening("default", "--name", "w1");
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.hold",
      args: [never, path],
      onStopped: "reports.stopped",
    });
    await stage.reaches(job.id, "started");
    await stage.py(
      `
      from rq.command import send_stop_job_command
      send_stop_job_command(redis, args["id"])
      `,
      { id: job.id },
    );
    await stage.reaches(job.id, "stopped");
    await release();
    // as RQ's first argument of these jobs is the gate, that is where it tells
    await waitFor("the callback", async () => (await lines(never)).length);
    assertEquals(await lines(never), [[job.id, "shared.hold", "stopped"]]);
  },
);

eachPython(
  pythons,
  "A callback that nobody there knows does not keep a Deno worker from a job, and is said once",
  async (stage) => {
    const [first, second] = await stage.py<[string, string]>(
      `
      def report(*args): pass
      report.__module__ = "callbacks"
      q = queue()
      out = [q.enqueue("shared.add", n, 2, on_success=report, on_failure=report).id for n in (1, 2)]
      `,
    );
    const output = await stage.denoBurst("default");
    assertEquals((await stage.look(first)).value, 3);
    assertEquals((await stage.look(second)).value, 4);
    const line = "Callback callbacks.report is not called, no Python worker";
    assertStringIncludes(output, line);
    assertEquals(output.split(line).length, 2);
  },
);
