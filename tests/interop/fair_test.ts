/** Fair keys, which Python does not know: it sees RQ 3.0's rate limits. */

import { assert, assertEquals } from "@std/assert";
import { type Job, Queue } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const newest = (await findPythons()).filter(({ major }) => major >= 3);

/** Enqueues jobs that note `a0`, `a1`, … in a ledger; gives them. */
async function enqueue(
  stage: Stage,
  counts: Readonly<Record<string, number>>,
): Promise<readonly Job[]> {
  await using queue = new Queue("default", { connection: stage.url });
  return await queue.enqueueMany(
    Object.entries(counts).flatMap(([fairKey, count]) =>
      Array.from({ length: count }, (_, i) => ({
        func: "shared.mark",
        args: [`${stage.folder}/ledger`, `${fairKey}${i}`],
        fairKey,
      }))
    ),
  );
}

/** The jobs in the order in which they ran. */
async function ledger(stage: Stage): Promise<string[]> {
  const text = await Deno.readTextFile(`${stage.folder}/ledger`);
  return text.trimEnd().split("\n");
}

/** What is left of turns. */
async function turnKeys(stage: Stage): Promise<string[]> {
  const keys = await stage.send<string[]>("KEYS", "*");
  return keys.filter((key) => /x_fair:.*:(allowed|rate_limited)/.test(key));
}

eachPython(
  newest,
  "A Python worker alone runs all jobs with fair keys, in turns of up to ten",
  async (stage) => {
    const jobs = await enqueue(stage, { a: 25, b: 3 });
    assertEquals(
      await stage.py(
        `
        job = fetch(args["id"])
        out = [job.rate_limit_key, job.rate_limit_concurrency, text(job.get_status())]
        `,
        { id: jobs[1]!.id },
      ),
      ["x_fair:7:default:a", 10, "rate_limited"],
    );
    await stage.pythonBurst("default");
    const order = await ledger(stage);
    assertEquals(order.length, 28);
    assertEquals(new Set(order).size, 28);
    assert(order.indexOf("b2") < 15, order.join(" "));
    for (const { id } of jobs) {
      assertEquals((await stage.look(id)).status, "finished");
    }
    assertEquals(await turnKeys(stage), []);
  },
);

eachPython(
  newest,
  "Workers of both languages run the jobs of a fair queue, each once",
  async (stage) => {
    stage.pythonWorker("default");
    await stage.listening("--concurrency", "2", "default");
    const jobs = await enqueue(stage, { a: 30, b: 5, c: 1 });
    for (const { id } of jobs) await stage.reaches(id, "finished");
    const order = await ledger(stage);
    assertEquals(order.length, jobs.length);
    assertEquals(new Set(order).size, jobs.length);
    await waitFor(
      "no turn is left",
      async () => (await turnKeys(stage)).length === 0,
    );
  },
);

eachPython(
  newest,
  "What Python cancels or deletes gives its turn on, and a Deno worker goes on with what Python's empty() leaves",
  async (stage) => {
    const jobs = await enqueue(stage, { a: 16 });
    const ids = jobs.map(({ id }) => id);
    await using queue = new Queue("default", { connection: stage.url });
    await stage.py(`fetch(args["id"]).delete()`, { id: ids[2] });
    await stage.py(`fetch(args["id"]).cancel()`, { id: ids[0] });
    const left = [ids[1], ...ids.slice(3)];
    assertEquals(await queue.jobIds(), left);
    assertEquals(await stage.py(`out = queue().count`), 10);
    await stage.py(`fetch(args["id"]).delete()`, { id: ids[1] });
    assertEquals(await queue.jobIds(), left.slice(1));
    await stage.py(`queue().empty()`); // what RQ's list holds
    assertEquals(await queue.jobIds(), left.slice(11));
    await stage.denoBurst("default");
    assertEquals(await ledger(stage), ["a13", "a14", "a15"]);
    assertEquals(await turnKeys(stage), []);
  },
);

eachPython(
  newest,
  "A job with a fair key that Python requeues runs again, and leaves no turn behind",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const bad = await queue.enqueueCall({
      func: "shared.fail",
      args: ["no"],
      fairKey: "a",
    });
    await stage.denoBurst("default");
    assertEquals(await bad.getStatus(), "failed");
    await stage.py(`fetch(args["id"]).requeue()`, { id: bad.id });
    await enqueue(stage, { a: 2 });
    assertEquals(await bad.getStatus(), "queued");
    await stage.denoBurst("default");
    assertEquals(await bad.getStatus(), "failed");
    assertEquals(await ledger(stage), ["a0", "a1"]);
    assertEquals(await turnKeys(stage), []);
  },
);
