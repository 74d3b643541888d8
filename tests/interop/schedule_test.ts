/** Jobs for later, of both languages' producers, run by both languages' workers. */

import { assert, assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { eachPython, findPythons } from "./support.ts";

const pythons = await findPythons();

eachPython(
  pythons,
  "Python reads when a job of Deno's is due, and its scheduler and worker run it",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const at = new Date(Date.now() + 3_600_000);
    const much = await queue.enqueueAt(at, "shared.add", 3, 4);
    const soon = await queue.enqueueIn(1, "shared.add", 1, 2);
    const seen = await stage.py<number>(
      `
      registry = ScheduledJobRegistry(connection=redis)
      out = registry.get_scheduled_time(fetch(args["id"])).timestamp() * 1000
      `,
      { id: much.id },
    );
    assert(Math.abs(seen - at.getTime()) < 1, `${seen}, not ${at.getTime()}`);
    stage.pythonWorker("--with-scheduler", "default");
    assertEquals((await stage.reaches(soon.id, "finished")).value, 3);
    assertEquals(await soon.wait({ timeout: 10 }), 3);
    assertEquals((await stage.look(much.id)).status, "scheduled");
  },
);

eachPython(
  pythons,
  "Jobs for later run once beside schedulers of both languages, whoever enqueued them",
  async (stage) => {
    const path = `${stage.folder}/ledger`;
    stage.pythonWorker("--with-scheduler", "default");
    await stage.listening("default");
    await stage.listening("default");
    await using queue = new Queue("default", { connection: stage.url });
    const numbers = Array.from({ length: 20 }, (_, i) => i);
    const jobs = await queue.enqueueMany(numbers.map((i) => ({
      func: "shared.mark",
      args: [path, `deno ${i}`],
      in: 0.1 * i,
    })));
    const ids = await stage.py<string[]>(
      `
      from datetime import datetime, timedelta, timezone
      q = queue()
      at = datetime.now(timezone.utc) + timedelta(seconds=1)
      out = [q.enqueue_in(timedelta(seconds=i % 3), "shared.mark", args["path"], f"python {i}").id
             for i in range(19)]
      out.append(q.enqueue_at(at, "shared.mark", args["path"], "python 19").id)
      `,
      { path },
    );
    for (const id of [...jobs.map((job) => job.id), ...ids]) {
      await stage.reaches(id, "finished");
    }
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    const expected = ["deno", "python"].flatMap((who) =>
      numbers.map((i) => `${who} ${i}`)
    );
    assertEquals(lines.toSorted(), expected.toSorted());
  },
);
