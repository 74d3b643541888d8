/** Features of newer versions of RQ, and ids that are on a queue twice. */

import { assertEquals } from "@std/assert";
import { eachPython, findPythons, waitFor } from "./support.ts";

const pythons = await findPythons();
const newest = pythons.filter(({ major }) => major >= 3);

eachPython(
  newest,
  "A job of a group that Deno runs stays in its group and can be read from it",
  async (stage) => {
    const ids = await stage.py<string[]>(`
      from rq.group import Group
      q = queue()
      group = Group.create(connection=redis, name="g")
      jobs = group.enqueue_many(q, [Queue.prepare_data("shared.add", (i, 1)) for i in range(3)])
      out = [job.id for job in jobs]
    `);
    await stage.denoBurst("default");
    assertEquals(
      await stage.py(`
        from rq.group import Group
        jobs = Group.fetch("g", connection=redis).get_jobs()
        out = sorted(fetch(job.id).return_value() for job in jobs)
      `),
      [1, 2, 3],
    );
    await stage.py(`fetch(args["id"]).delete()`, { id: ids[0] });
  },
);

eachPython(
  newest,
  "A job that Python enqueued as unique runs once on Deno",
  async (stage) => {
    const path = `${stage.folder}/ran`;
    await stage.py(
      `
      from rq.exceptions import DuplicateJobError
      q = queue()
      q.enqueue("shared.mark", args["path"], "x", job_id="u", unique=True)
      try: q.enqueue("shared.mark", args["path"], "x", job_id="u", unique=True)
      except DuplicateJobError: pass
      `,
      { path },
    );
    await stage.denoBurst("default");
    assertEquals(await Deno.readTextFile(path), "x\n");
  },
);

eachPython(
  pythons,
  "A second entry of a job that a Python worker is running is not run by Deno meanwhile",
  async (stage) => {
    stage.pythonWorker("default");
    const [ledger, go] = [`${stage.folder}/ledger`, `${stage.folder}/go`];
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.slow", args["ledger"], args["go"]).id`,
      { ledger, go },
    );
    await stage.reaches(id, "started");
    await waitFor(
      "the job is leased",
      async () => await stage.send<number>("ZCARD", "rq:wip:default") === 1,
    );
    await stage.send("RPUSH", "rq:queue:default", id);
    await stage.denoBurst("default");
    assertEquals((await stage.look(id)).status, "started");
    await Deno.writeTextFile(go, "");
    await stage.reaches(id, "finished");
    assertEquals(await Deno.readTextFile(ledger), "begin\nend\n");
  },
);

eachPython(
  pythons,
  "A second entry of a job that a Deno worker is running is not run by another one",
  async (stage) => {
    await stage.listening("default");
    const [ledger, go] = [`${stage.folder}/ledger`, `${stage.folder}/go`];
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.slow", args["ledger"], args["go"]).id`,
      { ledger, go },
    );
    await stage.reaches(id, "started");
    await stage.send("RPUSH", "rq:queue:default", id);
    await stage.denoBurst("default");
    await Deno.writeTextFile(go, "");
    await stage.reaches(id, "finished");
    assertEquals(await Deno.readTextFile(ledger), "begin\nend\n");
  },
);
