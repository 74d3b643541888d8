/** RQ 3.0's rate limits, shared by both languages. */

import { assertEquals } from "@std/assert";
import { Job, Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const newest = (await findPythons()).filter(({ major }) => major >= 3);

/** Enqueues jobs of one limit from Python; gives their ids. */
function fromPython(
  stage: Stage,
  count: number,
  args: Record<string, unknown>,
): Promise<string[]> {
  return stage.py<string[]>(
    `
    from rq import RateLimit
    q = queue()
    out = [q.enqueue(args["func"], *args["args"], rate_limit=RateLimit("k", 1)).id for _ in range(args["count"])]
    `,
    { count, ...args },
  );
}

/** What RQ's registry tells of the limit: who has a slot, and who waits. */
function registry(stage: Stage): Promise<[string[], string[]]> {
  return stage.py(`
    from rq.rate_limit import RateLimitRegistry
    r = RateLimitRegistry("k", connection=redis)
    out = [r.get_allowed_job_ids(), r.get_rate_limited_job_ids()]
  `);
}

async function calls(stage: Stage): Promise<Record<string, unknown>> {
  const go = `${stage.folder}/go`;
  await Deno.writeTextFile(go, "");
  return { func: "shared.slow", args: [`${stage.folder}/ledger`, go] };
}

/** That each job has begun after the one before had ended. */
async function assertAlone(stage: Stage, count: number): Promise<void> {
  const ledger = await Deno.readTextFile(`${stage.folder}/ledger`);
  assertEquals(ledger, "begin\nend\n".repeat(count));
}

eachPython(
  newest,
  "A Deno worker runs all of Python's rate-limited jobs, one at a time",
  async (stage) => {
    const ids = await fromPython(stage, 5, await calls(stage));
    assertEquals((await stage.look(ids[1]!)).status, "rate_limited");
    await stage.denoBurst("--concurrency", "3", "default");
    for (const id of ids) {
      assertEquals((await stage.look(id)).status, "finished");
    }
    await assertAlone(stage, 5);
    assertEquals(await registry(stage), [[], []]);
  },
);

eachPython(
  newest,
  "RQ's registry shows our rate-limited jobs, and a Python worker runs them, one at a time",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const { func, args } = await calls(stage) as {
      func: string;
      args: string[];
    };
    const rateLimit = { key: "k", concurrency: 1 };
    const jobs = await queue.enqueueMany(
      Array.from({ length: 4 }, () => ({ func, args, rateLimit })),
    );
    const [first, ...others] = jobs.map(({ id }) => id);
    assertEquals(await registry(stage), [[first!], others]);
    assertEquals(
      await stage.py(
        `
        job = fetch(args["id"])
        out = [job.rate_limit_key, job.rate_limit_concurrency, text(job.get_status())]
        `,
        { id: others[0] },
      ),
      ["k", 1, "rate_limited"],
    );
    await stage.pythonBurst("default");
    for (const job of jobs) assertEquals(await job.getStatus(), "finished");
    await assertAlone(stage, 4);
    assertEquals(await registry(stage), [[], []]);
  },
);

eachPython(
  newest,
  "Workers of both languages share the slots of a limit",
  async (stage) => {
    const call = await calls(stage);
    stage.pythonWorker("default");
    await stage.listening("--concurrency", "2", "default");
    await using queue = new Queue("default", { connection: stage.url });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      ids.push(...await fromPython(stage, 2, call));
      const job = await queue.enqueueCall({
        func: "shared.slow",
        args: call["args"] as string[],
        rateLimit: { key: "k", concurrency: 1 },
      });
      ids.push(job.id);
    }
    for (const id of ids) await stage.reaches(id, "finished");
    await assertAlone(stage, ids.length);
    await waitFor("the slots are free", async () => {
      const [allowed, waiting] = await registry(stage);
      return allowed.length + waiting.length === 0;
    });
  },
);

eachPython(
  newest,
  "What either language cancels or deletes gives its slot to the other's next job",
  async (stage) => {
    const call = { func: "shared.add", args: [1, 2] };
    await fromPython(stage, 4, call);
    const options = { connection: stage.url };
    // Those that RQ has enqueued within one second wait in the order of their ids.
    const [[first = ""], [second, third = "", fourth = ""]] = await registry(
      stage,
    );
    await using one = await Job.fetch(first, options);
    await one.cancel();
    assertEquals(await registry(stage), [[second], [third, fourth]]);
    await stage.py(`fetch(args["id"]).cancel()`, { id: second });
    assertEquals(await registry(stage), [[third], [fourth]]);
    await using other = await Job.fetch(third, options);
    await other.delete();
    assertEquals(await registry(stage), [[fourth], []]);
    await stage.denoBurst("default");
    assertEquals((await stage.look(fourth)).value, 3);
  },
);

eachPython(
  newest,
  "A job that a dead Python worker left in the ready registry is queued by a Deno worker, within its rate limit",
  async (stage) => {
    const call = { func: "shared.add", args: [1, 2] };
    const [first, second] = await fromPython(stage, 2, call);
    await stage.py(
      `
      from rq.registry import ReadyJobRegistry
      job = fetch(args["id"])
      redis.zrem("rq:rl:k:rate_limited", job.id)
      job.set_status("ready_to_enqueue")
      ReadyJobRegistry(queue=queue()).add(job)
      `,
      { id: second },
    );
    await stage.listening("default");
    for (const id of [first!, second!]) await stage.reaches(id, "finished");
  },
);

eachPython(
  newest,
  "The slot of a job whose Python worker was killed goes on with the job, and then to the next one",
  async (stage) => {
    const ledger = `${stage.folder}/ledger`;
    const go = `${stage.folder}/go`;
    const worker = stage.pythonWorker("default");
    const call = { func: "shared.slow", args: [ledger, go] };
    await fromPython(stage, 3, call);
    await waitFor("the job has begun", async () => {
      const lease = await stage.send<number>("ZCARD", "rq:wip:default");
      return lease > 0 && await exists(ledger);
    });
    const [[first = ""], [second = "", third = ""]] = await registry(stage);
    await worker.killTree();
    assertEquals(await registry(stage), [[first], [second, third]]);
    await stage.py(`
      for member in redis.zrange("rq:wip:default", 0, -1):
          redis.zadd("rq:wip:default", {member: time.time() - 2})
    `);
    await Deno.writeTextFile(go, "");
    await stage.listening("--concurrency", "3", "default");
    for (const id of [first, second, third]) {
      await stage.reaches(id, "finished");
    }
    const written = await Deno.readTextFile(ledger);
    assertEquals(written, "begin\n" + "begin\nend\n".repeat(3));
    await waitFor("the slots are free", async () => {
      const [allowed, waiting] = await registry(stage);
      return allowed.length + waiting.length === 0;
    });
  },
);

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

eachPython(
  newest,
  "What a Python worker runs is canceled for a job that asks for that, and skipped is what Python enqueued first",
  async (stage) => {
    const ledger = `${stage.folder}/ledger`;
    const call = { func: "shared.slow", args: [ledger, `${stage.folder}/go`] };
    stage.pythonWorker("default");
    const [first = ""] = await fromPython(stage, 1, call);
    await waitFor("the job has begun", () => exists(ledger));
    await using queue = new Queue("default", { connection: stage.url });
    const rateLimit = { key: "k", concurrency: 1 };
    const skipped = await queue.enqueueCall({
      ...{ func: "shared.add", args: [1, 2] },
      rateLimit: { ...rateLimit, onConflict: "skip" },
    });
    assertEquals([skipped.id, skipped.isNew], [first, false]);
    const second = await queue.enqueueCall({
      ...{ func: "shared.add", args: [1, 2] },
      rateLimit: { ...rateLimit, onConflict: "cancelRunning" },
    });
    assertEquals(await skipped.getStatus(), "canceled");
    assertEquals((await stage.reaches(second.id, "finished")).value, 3);
    assertEquals(await Deno.readTextFile(ledger), "begin\n");
  },
);
