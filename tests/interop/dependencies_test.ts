/** Dependencies between jobs of both languages: policies of ours, RQ's flag, and RQ's options of cancel and delete. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  dependency,
  type IfParentFails,
  Job,
  JobFailedError,
  Queue,
} from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const newest = (await findPythons()).filter(({ major }) => major >= 3);

const POLICIES: readonly IfParentFails[] = ["wait", "fail", "cancel", "run"];

/** A parent of this function, and a child for each policy. */
async function family(
  queue: Queue,
  func: string,
  args: string[],
): Promise<{ parent: Job; children: Job[] }> {
  const parent = await queue.enqueueCall({ func, args });
  const children: Job[] = [];
  for (const ifParentFails of POLICIES) {
    children.push(
      await queue.enqueueCall({
        func: "shared.nothing",
        dependsOn: dependency(parent, { ifParentFails }),
      }),
    );
  }
  return { parent, children };
}

function statuses(jobs: readonly Job[]): Promise<(string | null)[]> {
  return Promise.all(jobs.map((job) => job.getStatus()));
}

/** Enqueues a parent and children that wait for it from Python: one as usual, one that allows failure. */
function fromPython(stage: Stage, func: string): Promise<string[]> {
  return stage.py<string[]>(
    `
    from rq.job import Dependency
    q = queue()
    parent = q.enqueue(args["func"], "bad")
    strict = q.enqueue("shared.nothing", depends_on=parent)
    lenient = q.enqueue("shared.nothing", depends_on=Dependency(jobs=[parent], allow_failure=True))
    out = [parent.id, strict.id, lenient.id]
    `,
    { func },
  );
}

eachPython(
  newest,
  "Python runs a parent that fails: RQ's flag has its effect at once, all other policies in the next sweep of ours",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const { children } = await family(queue, "shared.fail", ["bad"]);
    const flags = await stage.py(
      `
      jobs = [fetch(id) for id in args["ids"]]
      out = [[job.allow_dependency_failures, len(job._dependency_ids)] for job in jobs]
      `,
      { ids: children.map(({ id }) => id) },
    );
    assertEquals(flags, [[null, 1], [null, 1], [null, 1], [true, 1]]);
    await stage.pythonBurst("default");
    assertEquals(await statuses(children), [
      "deferred",
      "deferred",
      "deferred",
      "finished",
    ]);
    await stage.listening("other");
    await stage.reaches(children[1]!.id, "failed");
    await stage.reaches(children[2]!.id, "canceled");
    assertEquals(await children[0]!.getStatus(), "deferred");
  },
);

eachPython(
  newest,
  "Python reads a job that failed or was canceled with its parent, and requeues it",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const { parent, children } = await family(queue, "shared.fail", ["bad"]);
    await stage.denoBurst("default");
    assertEquals(await statuses(children), [
      "deferred",
      "failed",
      "canceled",
      "finished",
    ]);
    const seen = await stage.py<[string, string[], string[]]>(
      `
      from rq.registry import CanceledJobRegistry, FailedJobRegistry
      job = fetch(args["id"])
      result = job.latest_result()
      assert result.type == result.Type.FAILED
      out = [result.exc_string, FailedJobRegistry(queue=queue()).get_job_ids(), CanceledJobRegistry(queue=queue()).get_job_ids()]
      job.requeue()
      `,
      { id: children[1]!.id },
    );
    assertStringIncludes(
      seen[0],
      `ParentFailedError: Cannot run the job: job "${parent.id}", on which it depends, has failed`,
    );
    assertEquals(seen[1].toSorted(), [parent.id, children[1]!.id].toSorted());
    assertEquals(seen[2], [children[2]!.id]);
    await stage.pythonBurst("default");
    assertEquals(await children[1]!.getStatus(), "finished");
  },
);

eachPython(
  newest,
  "What Python does with a parent of Deno's jobs, it cancels and deletes with it",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const one = await family(queue, "shared.nothing", []);
    await stage.py(`fetch(args["id"]).cancel(enqueue_dependents=True)`, {
      id: one.parent.id,
    });
    assertEquals(await statuses(one.children), Array(4).fill("queued"));
    await queue.empty();
    const two = await family(queue, "shared.nothing", []);
    await stage.py(`fetch(args["id"]).delete(delete_dependents=True)`, {
      id: two.parent.id,
    });
    assertEquals(await statuses(two.children), Array(4).fill(null));
  },
);

eachPython(
  newest,
  "What Deno does with a parent of Python's jobs: they follow RQ's flag, or go on, or are deleted",
  async (stage) => {
    const options = { connection: stage.url };
    const [canceledId, ...canceledChildren] = await fromPython(
      stage,
      "shared.nothing",
    );
    await using canceled = await Job.fetch(canceledId!, options);
    await canceled.cancel();
    const [freedId, ...freed] = await fromPython(stage, "shared.nothing");
    await using freeing = await Job.fetch(freedId!, options);
    await freeing.cancel({ enqueueDependents: true });
    const [deletedId, ...deleted] = await fromPython(stage, "shared.nothing");
    await using deleting = await Job.fetch(deletedId!, options);
    await deleting.delete({ deleteDependents: true });
    const [, strict, lenient] = await fromPython(stage, "shared.fail");
    await stage.denoBurst("default");
    for (const id of [...canceledChildren, strict!]) {
      assertEquals((await stage.look(id)).status, "deferred");
    }
    for (const id of [...freed, lenient!]) {
      assertEquals((await stage.look(id)).status, "finished");
    }
    for (const id of deleted) {
      assertEquals(await Job.exists(id, options), false);
    }
  },
);

eachPython(
  newest,
  "A child of Deno's gets and reads the results of parents that Python has run, and Python runs children of Deno's",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const [sum, failing] = await queue.enqueueMany([
      { func: "shared.add", args: [1, 2] },
      { func: "shared.fail", args: ["bad"] },
    ]);
    const parents = dependency([sum!, failing!], {
      ifParentFails: "run",
      passResults: true,
    });
    await using other = new Queue("deno", { connection: stage.url });
    const echo = await other.enqueueCall({
      func: "shared.echo",
      args: ["own"],
      dependsOn: parents,
    });
    const plain = await queue.enqueueCall({
      func: "shared.add",
      args: [3, 4],
      dependsOn: dependency(sum!, { ifParentFails: "fail" }),
    });
    await stage.pythonBurst("default");
    await waitFor(
      "the child is queued",
      async () => await echo.getStatus() === "queued",
    );
    await stage.denoBurst("deno");
    assertEquals(await echo.result(), ["own", 3, null]);
    assertEquals(await plain.result(), 7);
    const failed = await failing!.wait().catch((error) => error);
    assertEquals(failed instanceof JobFailedError, true);
  },
);
