/** Unique jobs across the languages: RQ's own `unique=True`, and our keys beside Python's workers. */

import { assertEquals, assertRejects } from "@std/assert";
import { DuplicateJobError, Job, Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const pythons = await findPythons();
const newest = pythons.filter(({ major }) => major >= 3);

/** Enqueues with `unique=True` from Python; gives the id, or the name of the error. */
function fromPython(
  stage: Stage,
  jobId: string,
  later = false,
): Promise<string> {
  return stage.py<string>(
    `
    from datetime import timedelta
    try:
        q = queue()
        options = dict(job_id=args["id"], unique=True)
        job = (q.enqueue_in(timedelta(hours=1), "shared.add", 1, 2, **options) if args["later"]
               else q.enqueue("shared.add", 1, 2, **options))
        out = job.id
    except Exception as error:
        out = type(error).__name__
    `,
    { id: jobId, later },
  );
}

eachPython(
  newest,
  "An id that has to be unique is refused by both languages, whoever has enqueued it, until its job is gone",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const call = { func: "shared.add", args: [1, 2], unique: true } as const;
    const refused = (jobId: string) =>
      assertRejects(
        () => queue.enqueueCall({ ...call, jobId }),
        DuplicateJobError,
        `Cannot enqueue job "${jobId}": a job of this id is`,
      );
    assertEquals(await fromPython(stage, "a"), "a");
    await refused("a");
    await queue.enqueueCall({ ...call, jobId: "b" });
    assertEquals(await fromPython(stage, "b"), "DuplicateJobError");
    await queue.enqueueCall({ ...call, jobId: "c", in: "1h" });
    assertEquals(await fromPython(stage, "c", true), "DuplicateJobError");
    assertEquals(await fromPython(stage, "d", true), "d");
    await refused("d");
    await stage.denoBurst("default");
    await refused("a");
    assertEquals(await fromPython(stage, "b"), "DuplicateJobError");
    await using a = await Job.fetch("a", { connection: stage.url });
    await a.delete();
    await stage.py(`fetch("b").delete()`);
    assertEquals(await fromPython(stage, "a"), "a");
    await queue.enqueueCall({ ...call, jobId: "b" });
    await stage.pythonBurst("default");
    for (const id of ["a", "b"]) {
      assertEquals((await stage.look(id)).value, 3);
    }
  },
);

eachPython(
  pythons,
  "A unique job that a Python worker runs holds its key until it has started, or ended",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const gate = `${stage.folder}/gate`;
    const mark = `${stage.folder}/mark`;
    const ended = { key: "ended" };
    const started = { key: "started", until: "started" } as const;
    const calls = [ended, started].map((unique, i) => ({
      func: "shared.hold",
      args: [`${gate}${i}`, `${mark}${i}`],
      unique,
    }));
    const [first, second] = await queue.enqueueMany(calls);
    const refused = (unique: typeof ended) =>
      assertRejects(
        () => queue.enqueueCall({ func: "shared.nothing", unique }),
        DuplicateJobError,
        `unique key "${unique.key}"`,
      );
    await refused(ended);
    await refused(started);
    stage.pythonWorker("default");
    await stage.reaches(first!.id, "started");
    await refused(ended);
    await refused(started);
    await Deno.writeTextFile(`${gate}0`, "");
    await stage.reaches(first!.id, "finished");
    await queue.enqueueCall({ func: "shared.nothing", unique: ended });
    await stage.reaches(second!.id, "started");
    const next = await queue.enqueueCall({
      func: "shared.nothing",
      unique: started,
    });
    await Deno.writeTextFile(`${gate}1`, "");
    await stage.reaches(next.id, "finished");
    assertEquals(await queue.uniqueHolder("ended"), null);
  },
);

eachPython(
  pythons,
  "A unique job that fails in a Python worker keeps its key while it is retried, and then frees it; what Python deletes frees it too",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const unique = { key: "k" };
    const job = await queue.enqueueCall({
      func: "shared.fail",
      args: ["no"],
      retry: { max: 1, interval: 3_600 },
      unique,
    });
    await stage.pythonBurst("default");
    assertEquals((await stage.look(job.id)).status, "scheduled");
    assertEquals(await queue.uniqueHolder("k"), job.id);
    await stage.py(`fetch(args["id"]).cancel()`, { id: job.id });
    const next = await queue.enqueueCall({ func: "shared.nothing", unique });
    await stage.py(`fetch(args["id"]).delete()`, { id: next.id });
    assertEquals(await queue.uniqueHolder("k"), null);
    const last = await queue.enqueueCall({ func: "shared.nothing", unique });
    await stage.denoBurst("default");
    assertEquals(await last.getStatus(), "finished");
    assertEquals(await queue.uniqueHolder("k"), null);
  },
);

eachPython(
  newest,
  "A debounced job is put off beside Python's scheduler, and a Python worker runs it once with the last arguments",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const path = `${stage.folder}/ledger`;
    stage.pythonWorker("--with-scheduler", "default");
    const ids = new Set<string>();
    for (const line of ["a", "b", "c"]) {
      const job = await queue.enqueueCall({
        func: "shared.mark",
        args: [path, line],
        unique: { key: "k", ifTaken: "debounce", delay: 2 },
      });
      ids.add(job.id);
    }
    assertEquals(ids.size, 1);
    for (const id of ids) await stage.reaches(id, "finished");
    assertEquals(await Deno.readTextFile(path), "c\n");
    await waitFor(
      "the key is free",
      async () => await queue.uniqueHolder("k") === null,
    );
  },
);
