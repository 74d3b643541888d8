/** Retries across the languages: both wait the same, and read what the other one keeps of each attempt. */

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Queue, retry } from "../../mod.ts";
import { eachPython, findPythons, type Stage } from "./support.ts";

// Results of attempts came with RQ 2.
const pythons = (await findPythons()).filter(({ major }) => major >= 3);

/** The seconds from each failure to the run that it was put off to, as the scheduled registry has it, by either worker. */
async function waits(
  stage: Stage,
  id: string,
  count: number,
  burst: () => Promise<unknown>,
): Promise<number[]> {
  const seconds: number[] = [];
  for (let i = 0; i < count; i++) {
    await burst();
    seconds.push(
      await stage.py<number>(
        `
        job = fetch(args["id"])
        assert job.get_status() == "scheduled", job.get_status()
        due = redis.zscore("rq:scheduled:default", job.id)
        out = due - job.ended_at.timestamp()
        redis.zadd("rq:scheduled:default", {job.id: 1})
        from rq.scheduler import RQScheduler
        scheduler = RQScheduler(["default"], connection=redis, serializer=JSONSerializer)
        scheduler.acquire_locks()
        scheduler.enqueue_scheduled_jobs()
        scheduler.release_locks()
        `,
        { id },
      ),
    );
  }
  await burst();
  return seconds;
}

/** Python begins to count a little after the end of the run, and drops fractions. */
function assertNear(
  seconds: readonly number[],
  expected: readonly number[],
): void {
  assertEquals(seconds.length, expected.length);
  seconds.forEach((wait, i) => assertAlmostEquals(wait, expected[i]!, 5));
}

eachPython(
  pythons,
  "A job that Deno enqueues with a retry waits as long with either worker, also with a short list of intervals",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const workers: [string, () => Promise<unknown>][] = [
      ["python", () => stage.pythonBurst("default")],
      ["deno", () => stage.denoBurst("default")],
    ];
    for (const [name, burst] of workers) {
      const job = await queue.enqueueCall({
        func: "shared.failUntil",
        args: [`${stage.folder}/${name}`, 4],
        retry: retry({ max: 3, interval: ["20s", "1m"] }),
      });
      assertNear(await waits(stage, job.id, 3, burst), [20, 60, 60]);
      const look = await stage.look(job.id);
      assertEquals([look.status, look.value], ["finished", "attempt 4"]);
      assertEquals(await job.wait({ timeout: 10 }), "attempt 4");
    }
  },
);

eachPython(
  pythons,
  "A job that Python enqueues with a retry waits as long with a Deno worker",
  async (stage) => {
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.failUntil", args["path"], 4, retry=Retry(max=3, interval=[10, 30, 50])).id`,
      { path: `${stage.folder}/attempts` },
    );
    const seconds = await waits(stage, id, 3, () => stage.denoBurst("default"));
    assertNear(seconds, [10, 30, 50]);
    assertEquals((await stage.look(id)).value, "attempt 4");
  },
);

eachPython(
  pythons,
  "Python reads every attempt of a job that Deno has tried again",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.failUntil",
      args: [`${stage.folder}/attempts`, 3],
      retry: 5,
    });
    await stage.denoBurst("-n", "w1", "default");
    const results = await stage.py<unknown[][]>(
      `
      out = []
      for r in reversed(fetch(args["id"]).results()):
          timed = r.execution_ended_at >= r.execution_started_at
          out.append([r.type.name, r.worker_name, len(r.execution_id) > 0, timed,
                      r.exc_string and r.exc_string.splitlines()[0], r.return_value])
      `,
      { id: job.id },
    );
    assertEquals(results, [
      ["RETRIED", "w1", true, true, "Error: Attempt 1 of 3", null],
      ["RETRIED", "w1", true, true, "Error: Attempt 2 of 3", null],
      ["SUCCESSFUL", "w1", true, true, null, "attempt 3"],
    ]);
  },
);

eachPython(
  pythons,
  "Deno waits through the retries that a Python job has returned",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const path = `${stage.folder}/attempts`;
    const job = await queue.enqueue("shared.retryUntil", path, 3);
    const waiting = job.wait({ timeout: 120 });
    await stage.pythonBurst("default");
    assertEquals(await waiting, "attempt 3");
  },
);
