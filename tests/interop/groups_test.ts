/** RQ 3.0's groups, shared by both languages. */

import { assertEquals, assertRejects } from "@std/assert";
import { Group, type Job, NoSuchGroupError, Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const newest = (await findPythons()).filter(({ major }) => major >= 3);

/** Has Python make a group of calls; gives the ids of its jobs. */
function fromPython(stage: Stage, name: string): Promise<string[]> {
  return stage.py<string[]>(
    `
    from rq import Queue
    from rq.group import Group
    group = Group.create(connection=redis, name=args["name"])
    jobs = group.enqueue_many(queue(), [
        Queue.prepare_data("shared.add", (i, 1)) for i in range(3)
    ] + [Queue.prepare_data("shared.fail", ("no",))])
    out = [job.id for job in jobs]
    `,
    { name },
  );
}

/** What Python sees of a group: its jobs' ids and statuses, and the names of all groups. */
function look(
  stage: Stage,
  name: string,
): Promise<{ jobs: Record<string, string>; all: string[] }> {
  return stage.py(
    `
    from rq.group import Group
    group = Group.fetch(args["name"], connection=redis)
    out = {
        "jobs": {job.id: text(job.get_status()) for job in group.get_jobs()},
        "all": sorted(g.name for g in Group.all(connection=redis)),
    }
    `,
    { name },
  );
}

const CALLS = [
  { func: "shared.add", args: [1, 2] },
  { func: "shared.add", args: [3, 4] },
  { func: "shared.fail", args: ["no"] },
];

function statuses(jobs: readonly Job[], status: string) {
  return Object.fromEntries(jobs.map(({ id }) => [id, status]));
}

eachPython(
  newest,
  "Python reads our group, runs its jobs, and a look counts them and calls for what it is to call for",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const path = `${stage.folder}/ledger`;
    await using group = await Group.create({
      id: "ours",
      connection: queue.connection,
      onComplete: { func: "shared.mark", args: [path, "complete"] },
    });
    const jobs = await group.enqueueMany(queue, CALLS);
    assertEquals(await look(stage, "ours"), {
      jobs: statuses(jobs, "queued"),
      all: ["ours"],
    });
    const ids = jobs.map(({ id }) => id);
    assertEquals(
      await stage.py(`out = [fetch(i).group_id for i in args["ids"]]`, { ids }),
      ["ours", "ours", "ours"],
    );
    await stage.pythonBurst("default");
    const { total, finished, failed } = await group.wait({ timeout: 30 });
    assertEquals([total, finished, failed], [3, 2, 1]);
    await stage.pythonBurst("default");
    assertEquals(await Deno.readTextFile(path), "complete\n");
  },
);

eachPython(
  newest,
  "a group of Python's is fetched, listed, counted, waited for and canceled",
  async (stage) => {
    const ids = await fromPython(stage, "their group");
    const options = { connection: stage.url };
    await using group = await Group.fetch("their group", options);
    const jobs = await Array.fromAsync(group.jobs());
    assertEquals(jobs.map(({ id }) => id).sort(), ids.toSorted());
    const before = await group.counts();
    assertEquals([before.total, before.open], [4, 4]);
    const waiting = group.wait({ timeout: 60 });
    await stage.denoBurst("default");
    const { total, finished, failed } = await waiting;
    assertEquals([total, finished, failed], [4, 3, 1]);
    await fromPython(stage, "their group");
    await group.cancel();
    assertEquals((await group.counts()).canceled, 4);
    const { jobs: seen } = await look(stage, "their group");
    assertEquals(Object.values(seen).sort(), [
      ...Array(4).fill("canceled"),
      "failed",
      ...Array(3).fill("finished"),
    ]);
  },
);

eachPython(
  newest,
  "both languages' workers end the jobs of one group, to which both have added some",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const path = `${stage.folder}/ledger`;
    await using group = await Group.create({
      id: "shared",
      connection: queue.connection,
      onComplete: { func: "shared.mark", args: [path, "complete"] },
      onFailure: { func: "shared.mark", args: [path, "failure"] },
    });
    await group.fill(async () => {
      for (let i = 0; i < 5; i++) {
        await group.enqueueMany(queue, CALLS);
        await fromPython(stage, "shared");
      }
    });
    stage.pythonWorker("default");
    await stage.listening("--concurrency", "2", "default");
    const { total, finished, failed } = await group.wait({ timeout: 60 });
    assertEquals([total, finished, failed], [35, 25, 10]);
    await waitFor("both calls", async () => {
      const lines = (await Deno.readTextFile(path).catch(() => "")).split("\n");
      return lines.length === 3 &&
        lines.toSorted().join() === ",complete,failure";
    });
  },
);

eachPython(
  newest,
  "what either language deletes leaves the group, and what has expired is cleaned by either",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const { connection } = queue;
    await using group = await Group.create({ id: "g", connection });
    const [first, second, third] = await group.enqueueMany(queue, CALLS);
    await stage.py(`fetch(args["id"]).delete()`, { id: first!.id });
    await second!.delete();
    assertEquals(await look(stage, "g"), {
      jobs: { [third!.id]: "queued" },
      all: ["g"],
    });
    const { total, gone } = await group.counts();
    assertEquals([total, gone], [3, 2]);
    await stage.send("DEL", `rq:job:${third!.id}`); // as time does
    await stage.py(
      `
      from rq.group import Group
      Group.clean_registries(connection=redis)
      `,
    );
    assertEquals(await stage.send("SMEMBERS", "rq:groups"), []);
    assertEquals((await group.wait({ timeout: 20 })).gone, 3);
    await fromPython(stage, "theirs");
    await stage.send("DEL", "rq:group:theirs");
    await assertRejects(
      () => Group.fetch("theirs", { connection }),
      NoSuchGroupError,
    );
  },
);
