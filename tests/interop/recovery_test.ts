/** Dead workers, maintenance and schedulers of both languages on the same Redis. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Job, JobFailedError, Queue } from "../../mod.ts";
import { waitForEqual } from "../support/wait_for.ts";
import {
  eachPython,
  findPythons,
  type Program,
  type Stage,
  waitFor,
} from "./support.ts";

const pythons = await findPythons();

interface Abandoned {
  readonly id: string;
  /** What each run of the job writes: `begin` and `end`. */
  readonly ledger: string;
}

/** A job whose worker was killed during the run, and whose lease has run out. */
async function abandoned(
  stage: Stage,
  worker: Program,
  options = "",
): Promise<Abandoned> {
  const ledger = `${stage.folder}/ledger`;
  const id = await stage.py<string>(
    `out = queue().enqueue("shared.slow", args["ledger"], args["go"]${options}).id`,
    { ledger, go: `${stage.folder}/go` },
  );
  await waitFor("the job has begun", () => read(ledger) === "begin\n");
  await waitFor(
    "the job is leased",
    async () => await stage.send<number>("ZCARD", "rq:wip:default") > 0,
  );
  await worker.killTree();
  await runOut(stage);
  await Deno.writeTextFile(`${stage.folder}/go`, "");
  return { id, ledger };
}

/** Lets every lease run out, and makes every worker's last heartbeat old. */
async function runOut(stage: Stage): Promise<void> {
  await stage.py(`
    for member in redis.zrange("rq:wip:default", 0, -1):
        redis.zadd("rq:wip:default", {member: time.time() - 2})
    for key in redis.keys("rq:worker:*"):
        if redis.type(key) == b"hash" and redis.hexists(key, "x_heartbeat"):
            redis.hset(key, "x_heartbeat", int(time.time()) - 60)
  `);
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function left(stage: Stage): Promise<unknown> {
  return await stage.py(`
    out = [redis.zcard("rq:wip:default"), redis.llen("rq:queue:default"),
           redis.llen("rq:queue:default:intermediate")]
  `);
}

eachPython(
  pythons,
  "A Deno job whose worker was killed is run again by the next Deno worker",
  async (stage) => {
    const worker = await stage.listening("default");
    const { id, ledger } = await abandoned(stage, worker);
    await stage.denoBurst("default");
    assertEquals((await stage.look(id)).value, "done");
    assertEquals(read(ledger), "begin\nbegin\nend\n");
    await waitForEqual(() => left(stage), [0, 0, 0]);
  },
);

eachPython(
  pythons,
  "A Deno job whose worker was killed is never lost to Python's maintenance",
  async (stage) => {
    const worker = await stage.listening("default");
    const { id, ledger } = await abandoned(stage, worker);
    await stage.py(`clean_registries(queue())`);
    await stage.rqDone("info");
    await stage.listening("--maintenance-interval", "1", "default");
    const status = await waitFor("the job has ended", async () => {
      const { status } = await stage.look(id);
      return status !== "started" && status !== "queued" && status;
    });
    // Put back by us, or failed by them: both are an end.
    assert(["finished", "failed"].includes(status), status);
    const runs = read(ledger);
    assertEquals(
      runs,
      status === "finished" ? "begin\nbegin\nend\n" : "begin\n",
    );
    await waitForEqual(() => left(stage), [0, 0, 0]);
  },
);

eachPython(
  pythons,
  "Deno jobs whose worker was killed are run by another one, however often RQ cleans its registries meanwhile",
  async (stage) => {
    const ledger = `${stage.folder}/ledger`;
    const args = { ledger, go: `${stage.folder}/go` };
    const worker = await stage.listening("--concurrency", "6", "default");
    const ids = await stage.py<string[]>(
      `out = [queue().enqueue("shared.slow", args["ledger"], args["go"]).id for _ in range(6)]`,
      args,
    );
    await waitFor(
      "all have begun",
      () => read(ledger).split("begin").length === 7,
    );
    await worker.killTree();
    await Deno.writeTextFile(args.go, "");
    await stage.listening("--concurrency", "6", "default");
    // What `rq info -i 1` does each second, without a pause; no time is made to pass.
    const finished = () =>
      stage.py<number>(`
        for _ in range(20):
            StartedJobRegistry("default", connection=redis, serializer=JSONSerializer).cleanup()
            clean_registries(queue())
        assert redis.zcard("rq:failed:default") == 0, "a job was failed"
        out = redis.zcard("rq:finished:default")
      `);
    await waitFor(
      "all are finished",
      async () => await finished() === 6,
      45_000,
    );
    for (const id of ids) assertEquals((await stage.look(id)).value, "done");
    assertEquals(await left(stage), [0, 0, 0]);
  },
);

eachPython(
  pythons,
  "A Deno job with retries whose worker was killed is run again after Python's maintenance",
  async (stage) => {
    const worker = await stage.listening("default");
    const { id, ledger } = await abandoned(
      stage,
      worker,
      ", retry=Retry(max=2)",
    );
    await stage.py(`clean_registries(queue())`);
    await stage.listening("--maintenance-interval", "1", "default");
    const look = await stage.reaches(id, "finished");
    assertEquals(look.value, "done");
    assertEquals(read(ledger), "begin\nbegin\nend\n");
    await waitForEqual(() => left(stage), [0, 0, 0]);
  },
);

eachPython(
  pythons,
  "wait() ends when Python's maintenance fails an abandoned job of a Python worker",
  async (stage) => {
    const worker = stage.pythonWorker("default");
    const { id } = await abandoned(stage, worker);
    await using job = await Job.fetch(id, { connection: stage.url });
    const wait = job.wait({ timeout: 15 });
    const failed = assertRejects(() => wait, JobFailedError);
    await stage.py(`clean_registries(queue())`);
    assertEquals((await stage.look(id)).status, "failed");
    const error = await failed;
    assertStringIncludes(error.excInfo, "FailedJobRegistry");
    assertStringIncludes(await job.excInfo() ?? "", "FailedJobRegistry");
    await assertRejects(() => job.wait({ timeout: 1 }), JobFailedError);
  },
);

eachPython(
  pythons,
  "A Python job whose worker was killed is put back by a Deno worker",
  async (stage) => {
    const worker = stage.pythonWorker("default");
    const { id, ledger } = await abandoned(stage, worker);
    await stage.denoBurst("default");
    const look = await stage.look(id);
    assertEquals([look.status, look.value], ["finished", "done"]);
    assertEquals(read(ledger).split("end").length - 1, 1);
    await waitForEqual(() => left(stage), [0, 0, 0]);
  },
);

eachPython(
  pythons,
  "A job that a Python worker runs is left alone as long as its lease lives",
  async (stage) => {
    stage.pythonWorker("default");
    const ledger = `${stage.folder}/ledger`;
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.slow", args["ledger"], args["go"]).id`,
      { ledger, go: `${stage.folder}/go` },
    );
    await waitFor("the job has begun", () => read(ledger) === "begin\n");
    const lease = () =>
      stage.py<[member: string, end: number]>(`
        [(member, score)] = redis.zrange("rq:wip:default", 0, -1, withscores=True)
        out = [member.decode(), score]
      `);
    const before = await lease();
    // Workers sweep when they start: three of them do so here.
    for (let i = 0; i < 3; i++) await stage.denoBurst("default");
    const [member, end] = await lease();
    assertEquals(member, before[0]);
    assert(end >= before[1], `it ends at ${end}, once at ${before[1]}`); // Python may have renewed it
    assertEquals((await stage.look(id)).status, "started");
    await Deno.writeTextFile(`${stage.folder}/go`, "");
    await stage.reaches(id, "finished");
    assertEquals(read(ledger), "begin\nend\n");
  },
);

eachPython(
  pythons,
  "An id that a dead Python worker left in the intermediate list is run by Deno",
  async (stage) => {
    const id = await stage.py<string>(`
      out = queue().enqueue("shared.add", 1, 2).id
      redis.lmove("rq:queue:default", "rq:queue:default:intermediate", "LEFT", "RIGHT")
      redis.set("rq:queue:default:intermediate:first_seen:" + out, time.time() - 30)
    `);
    await stage.denoBurst("default");
    assertEquals((await stage.look(id)).value, 3);
    await waitForEqual(() => left(stage), [0, 0, 0]);
  },
);

eachPython(
  pythons,
  "Python's scheduler promotes a retry that Deno has scheduled",
  async (stage) => {
    const path = `${stage.folder}/attempts`;
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.failUntil", args["path"], 2, retry=Retry(max=3, interval=1)).id`,
      { path },
    );
    await stage.denoBurst("default");
    const scheduled = await stage.look(id);
    assertEquals([scheduled.status, scheduled.retriesLeft], ["scheduled", 2]);
    assertEquals(
      await stage.py(
        `out = ScheduledJobRegistry(connection=redis).get_job_ids()`,
      ),
      [id],
    );
    await stage.listening("--no-scheduler", "default");
    const code = `
      from rq.scheduler import RQScheduler
      scheduler = RQScheduler(["default"], connection=redis, serializer=JSONSerializer)
      scheduler.acquire_locks()
      deadline = time.time() + 60
      while redis.zcard("rq:scheduled:default") and time.time() < deadline:
          scheduler.enqueue_scheduled_jobs()
          time.sleep(0.05)
      scheduler.release_locks()
    `;
    await stage.py(code);
    const look = await stage.reaches(id, "finished");
    assertEquals(look.value, "attempt 2");
    assertEquals(await stage.send("ZCARD", "rq:scheduled:default"), 0);
  },
);

eachPython(
  pythons,
  "A Deno worker promotes what Python has scheduled",
  async (stage) => {
    const ids = await stage.py<string[]>(`
      from datetime import timedelta
      q = queue()
      out = [q.enqueue_in(timedelta(seconds=1), "shared.add", 1, 2).id,
             q.enqueue_in(timedelta(hours=1), "shared.add", 3, 4).id]
      redis.zadd("rq:scheduled:default", {"dead-id": 1})
    `);
    const worker = await stage.listening("default");
    assertEquals((await stage.reaches(ids[0]!, "finished")).value, 3);
    assertEquals((await stage.look(ids[1]!)).status, "scheduled");
    assertEquals(await stage.send("ZRANGE", "rq:scheduled:default", 0, -1), [
      ids[1],
    ]);
    worker.kill("SIGTERM");
    assertEquals(await worker.ended(), 0);
    // Else no Python scheduler would take the queue over for up to two minutes.
    assertEquals(await stage.send("EXISTS", "rq:scheduler-lock:default"), 0);
  },
);

eachPython(
  pythons,
  "A Deno scheduler keeps off a queue whose lock a Python scheduler holds",
  async (stage) => {
    await stage.py(`redis.set("rq:scheduler-lock:default", "4711", ex=60)`);
    await stage.py(`
      from datetime import timedelta
      queue().enqueue_in(timedelta(seconds=-5), "shared.add", 1, 2)
    `);
    await stage.denoBurst("default");
    assertEquals(await stage.send("ZCARD", "rq:scheduled:default"), 1);
    assertEquals(await stage.send("GET", "rq:scheduler-lock:default"), "4711");
  },
);

eachPython(
  pythons,
  "A Python worker and a Deno worker on one queue run each of 200 jobs exactly once",
  async (stage) => {
    const path = `${stage.folder}/ledger`;
    await using queue = new Queue("default", { connection: stage.url });
    await queue.enqueueMany(
      Array.from({ length: 100 }, (_, i) => ({
        func: "shared.mark",
        args: [path, `deno ${i}`],
      })),
    );
    await stage.py(
      `
      q = queue()
      for i in range(100): q.enqueue("shared.mark", args["path"], "python " + str(i))
      `,
      { path },
    );
    const python = stage.pythonWorker("--burst", "default");
    await python.said("Listening on");
    const deno = await stage.listening("default");
    await waitFor(
      "all jobs are finished",
      async () => await stage.send("ZCARD", "rq:finished:default") === 200,
    );
    const lines = read(path).trimEnd().split("\n");
    assertEquals([lines.length, new Set(lines).size], [200, 200]);
    await waitForEqual(() => left(stage), [0, 0, 0]);
    await deno.said("Job OK");
    await python.said("Job OK");
  },
);
