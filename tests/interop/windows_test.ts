/** Rate limits with a window, which RQ does not know: it reads what waits, and lets nothing of it through by itself. */

import { assertEquals } from "@std/assert";
import { Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const newest = (await findPythons()).filter(({ major }) => major >= 3);

const WINDOW = { key: "k", limit: 2, per: "1h" };

/** What RQ's registry tells of the limit: who waits, and who has been let through and not ended. */
function registry(stage: Stage): Promise<[string[], string[]]> {
  return stage.py(`
    from rq.rate_limit import RateLimitRegistry
    r = RateLimitRegistry("k", connection=redis)
    out = [r.get_allowed_job_ids(), r.get_rate_limited_job_ids()]
  `);
}

/** RQ's own maintenance. */
function maintain(stage: Stage): Promise<void> {
  return stage.py(`
    from rq.registry import clean_registries
    clean_registries(queue())
  `);
}

function startsOf(stage: Stage): Promise<string[]> {
  return stage.send<string[]>("ZRANGE", "rq:rl:k:x_starts", 0, -1);
}

eachPython(
  newest,
  "A Python worker runs what a window lets through, and leaves the others where it can read them",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const jobs = await queue.enqueueMany(
      Array.from({ length: 4 }, () => ({
        func: "shared.add",
        args: [1, 2],
        rateLimit: { ...WINDOW, concurrency: 1 },
      })),
    );
    const [one, two, three, four] = jobs.map(({ id }) => id) as [
      ...[string, string, string, string],
    ];
    assertEquals(await registry(stage), [[one], [two, three, four]]);
    assertEquals((await stage.look(two)).status, "rate_limited");
    await stage.pythonBurst("default");
    assertEquals((await stage.look(one)).status, "finished");
    await maintain(stage);
    assertEquals((await registry(stage))[1], [two, three, four]);
    // a Deno worker's sweep finds the free slot, and what Python's worker has started
    await stage.listening("default");
    await stage.reaches(two, "finished");
    await waitFor("the slots are free", async () => {
      const [allowed, waiting] = await registry(stage);
      return allowed.length === 0 && waiting.join() === `${three},${four}`;
    });
    assertEquals((await startsOf(stage)).length, 2);
  },
);

eachPython(
  newest,
  "What Python cancels, deletes or requeues of a window's jobs goes on as it should in a Deno worker",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const jobs = await queue.enqueueMany(
      Array.from({ length: 6 }, () => ({
        func: "shared.add",
        args: [1, 2],
        rateLimit: WINDOW,
      })),
    );
    const [one, two, three, four, five, six] = jobs.map(({ id }) => id) as [
      ...[string, string, string, string, string, string],
    ];
    await stage.py(`fetch(args["id"]).cancel()`, { id: three });
    await stage.py(`fetch(args["id"]).delete()`, { id: four });
    await stage.py(`fetch(args["id"]).cancel()`, { id: one });
    await stage.listening("default");
    for (const id of [two, five]) await stage.reaches(id, "finished");
    assertEquals((await stage.look(six)).status, "rate_limited");
    // RQ puts it on the queue at once, where a Deno worker finds that the window is full
    await stage.py(
      `
      job = fetch(args["id"])
      redis.zrem("rq:rl:k:rate_limited", job.id)
      queue()._enqueue_job(job)
      `,
      { id: six },
    );
    await stage.reaches(six, "rate_limited");
    assertEquals((await registry(stage))[1], [six]);
  },
);
