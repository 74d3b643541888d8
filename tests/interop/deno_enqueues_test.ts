/** Jobs that Deno enqueues and a Python worker runs. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { dependency, Job, JobFailedError, Queue } from "../../mod.ts";
import { eachPython, findPythons } from "./support.ts";

const pythons = await findPythons();

eachPython(
  pythons,
  "A Python worker runs what Deno enqueues with every option of enqueueCall()",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.echo",
      args: [1, "hé ☃ 😀", null, [true, { a: 1.5 }]],
      kwargs: { scale: 2, "name": "x" },
      timeout: "1h30m",
      resultTtl: 77,
      failureTtl: "1d",
      ttl: 600,
      jobId: "every_option-1",
      atFront: true,
      description: "ünïcode 'description'",
      meta: { by: "deno", n: [1, 2] },
    });
    const before = await stage.look(job.id);
    assertEquals(before.status, "queued");
    assertEquals(before.args, [1, "hé ☃ 😀", null, [true, { a: 1.5 }]]);
    assertEquals(before.kwargs, { scale: 2, name: "x" });
    assertEquals([before.timeout, before.resultTtl, before.failureTtl], [
      5_400,
      77,
      86_400,
    ]);
    assertEquals([before.ttl, before.description], [
      600,
      "ünïcode 'description'",
    ]);
    assertEquals([before.func, before.origin], ["shared.echo", "default"]);
    await stage.pythonBurst("default");
    const result = [
      [1, "hé ☃ 😀", null, [true, { a: 1.5 }]],
      { scale: 2, name: "x" },
    ];
    assertEquals(await job.result(), result);
    assertEquals(await job.wait({ timeout: 1 }), result);
    assertEquals(await job.getStatus(), "finished");
    assertEquals(await job.excInfo(), null);
    await job.refresh();
    assertEquals(job.meta, { by: "deno", n: [1, 2] });
    assertEquals([job.timeout, job.resultTtl, job.failureTtl], [
      5_400,
      77,
      86_400,
    ]);
    assertEquals(job.description, "ünïcode 'description'");
    assertMatch(job.workerName ?? "", /\S/);
    assert(job.createdAt! <= job.enqueuedAt!);
    assert(job.enqueuedAt! <= job.startedAt!);
    assert(job.startedAt! <= job.endedAt!);
    assertAlmostEquals(
      await stage.send<number>("TTL", `rq:job:${job.id}`),
      77,
      20,
    );
  },
);

eachPython(
  pythons,
  "Arguments too long to be stored uncompressed reach a Python worker",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const long = "äöü".repeat(10_000);
    const job = await queue.enqueue("shared.echo", long);
    await stage.pythonBurst("default");
    assertEquals(await job.result(), [[long], {}]);
  },
);

eachPython(
  pythons,
  "Deno waits for a Python worker, and reads None as undefined and NaN as NaN",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const special = await queue.enqueue("shared.special");
    const nothing = await queue.enqueue("shared.nothing");
    const waits = Promise.all([
      special.wait({ timeout: 20 }),
      nothing.wait({ timeout: 20 }),
    ]);
    await stage.pythonBurst("default");
    assertEquals(await waits, [
      { nan: NaN, inf: -Infinity, text: "héllo ☃", big: 2 ** 53 },
      undefined,
    ]);
  },
);

eachPython(
  pythons,
  "JobFailedError has a cause made of Python's traceback",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueue("shared.fail", "no luck: at all");
    const wait = job.wait({ timeout: 20 });
    const failed = assertRejects(() => wait, JobFailedError);
    await stage.pythonBurst("default");
    const error = await failed;
    assertEquals(error.jobId, job.id);
    assertStringIncludes(error.message, "ValueError: no luck: at all");
    assert(error.cause instanceof Error);
    assertEquals([error.cause.name, error.cause.message], [
      "ValueError",
      "no luck: at all",
    ]);
    assertStringIncludes(error.excInfo, "Traceback (most recent call last)");
    assertStringIncludes(error.excInfo, "shared.py");
    assertEquals(await job.excInfo(), error.excInfo);
    assertEquals(await job.getStatus(), "failed");
    assertEquals(await job.result(), undefined);
  },
);

eachPython(
  pythons,
  "Deno reads the meta that a Python job has saved",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const job = await queue.enqueueCall({
      func: "shared.set_meta",
      args: ["done", { n: [1] }],
      meta: { by: "deno" },
    });
    await stage.pythonBurst("default");
    await job.refresh();
    assertEquals(job.meta, { by: "deno", done: { n: [1] } });
  },
);

eachPython(
  pythons,
  "A job that Deno put at the front is run first by Python, and an expired one not at all",
  async (stage) => {
    const path = `${stage.folder}/order`;
    await using queue = new Queue("default", { connection: stage.url });
    const expired = await queue.enqueueCall({
      func: "shared.mark",
      args: [path, "expired"],
      ttl: 1,
    });
    await queue.enqueue("shared.mark", path, "second");
    await queue.enqueueCall({
      func: "shared.mark",
      args: [path, "first"],
      atFront: true,
    });
    await stage.py(
      `
      while redis.exists("rq:job:" + args["id"]): time.sleep(0.05)
      `,
      { id: expired.id },
    );
    await stage.pythonBurst("default");
    assertEquals(await Deno.readTextFile(path), "first\nsecond\n");
  },
);

eachPython(
  pythons,
  "A Python worker releases Deno's deferred jobs, and with allowFailure those of a failed parent",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    await using other = new Queue("other", { connection: queue.connection });
    const good = await queue.enqueue("shared.add", 1, 1);
    const bad = await queue.enqueue("shared.fail", "x");
    const after = await queue.enqueueCall({
      func: "shared.add",
      args: [2, 2],
      dependsOn: good,
    });
    const lenient = await queue.enqueueCall({
      func: "shared.add",
      args: [3, 3],
      dependsOn: dependency([good, bad], { allowFailure: true, atFront: true }),
    });
    const strict = await queue.enqueueCall({
      func: "shared.add",
      args: [4, 4],
      dependsOn: [good.id, bad.id],
    });
    const chain = await other.enqueueCall({
      func: "shared.add",
      args: [5, 5],
      dependsOn: [after, lenient],
    });
    assertEquals((await stage.look(lenient.id)).dependencyIds, [
      good.id,
      bad.id,
    ]);
    await stage.pythonBurst("default", "other");
    const jobs = [good, bad, after, lenient, strict, chain];
    const ends = await Promise.all(
      jobs.map(async (job) => [await job.getStatus(), await job.result()]),
    );
    assertEquals(ends, [
      ["finished", 2],
      ["failed", undefined],
      ["finished", 4],
      ["finished", 6],
      ["deferred", undefined],
      ["finished", 10],
    ]);
  },
);

eachPython(
  pythons,
  "A chain of dependencies goes back and forth between the languages",
  async (stage) => {
    await using deno = new Queue("deno", { connection: stage.url });
    const first = await stage.py<string>(
      `out = queue("python").enqueue("shared.add", 1, 1).id`,
    );
    const second = await deno.enqueueCall({
      func: "shared.add",
      args: [2, 2],
      dependsOn: first,
    });
    const third = await stage.py<string>(
      `out = queue("python").enqueue("shared.add", 3, 3, depends_on=args["id"]).id`,
      { id: second.id },
    );
    const fourth = await deno.enqueueCall({
      func: "shared.add",
      args: [4, 4],
      dependsOn: dependency([first, third], { allowFailure: true }),
    });
    assertEquals(await stage.send("LLEN", "rq:queue:deno"), 0);
    await stage.pythonBurst("python");
    assertEquals(await second.getStatus(), "queued");
    await stage.denoBurst("deno");
    assertEquals((await stage.look(third)).status, "queued");
    await stage.pythonBurst("python");
    await stage.denoBurst("deno");
    assertEquals(await fourth.wait({ timeout: 1 }), 8);
    for (const id of [first, second.id, third, fourth.id]) {
      assertEquals((await stage.look(id)).status, "finished");
    }
  },
);

eachPython(
  pythons,
  "A child that Deno enqueues after its Python parent has failed runs if it allows failure",
  async (stage) => {
    await using queue = new Queue("default", { connection: stage.url });
    const parent = await stage.py<string>(
      `out = queue().enqueue("shared.fail", "x").id`,
    );
    await stage.pythonBurst("default");
    const child = await queue.enqueueCall({
      func: "shared.add",
      args: [1, 1],
      dependsOn: dependency(parent, { allowFailure: true }),
    });
    assertEquals(await child.getStatus(), "queued");
    await stage.denoBurst("default");
    assertEquals(await child.result(), 2);
  },
);

eachPython(
  pythons,
  "Deno fetches jobs that Python has made, in each stage of their life",
  async (stage) => {
    const ids = await stage.py<string[]>(`
      from datetime import timedelta
      q = queue()
      bad = q.enqueue("shared.fail", "x", job_id="bad", meta={"a": 1})
      out = [bad.id,
             q.enqueue("shared.add", 1, b=2, job_id="good", retry=Retry(max=3, interval=[1, 2]), ttl=500).id,
             q.enqueue("shared.add", 1, b=2, job_id="deferred", depends_on=bad).id,
             q.enqueue_in(timedelta(hours=1), "shared.add", 1, 2, job_id="scheduled").id]
      canceled = q.enqueue("shared.add", 1, 2, job_id="canceled")
      canceled.cancel()
      out.append(canceled.id)
    `);
    await stage.pythonBurst("default");
    const statuses = [
      "failed",
      "finished",
      "deferred",
      "scheduled",
      "canceled",
    ];
    for (const [i, id] of ids.entries()) {
      await using job = await Job.fetch(id, { connection: stage.url });
      assertEquals(await job.getStatus(), statuses[i]);
      assertMatch(job.funcName, /^shared\./);
      const dict = job.toDict();
      const look = await stage.look(id);
      assertEquals(dict["status"], statuses[i]);
      assertEquals(job.description, look.description);
      assertEquals([job.timeout, job.meta], [look.timeout, look.meta]);
      assertEquals(
        job.createdAt?.getTime(),
        Math.floor(Date.parse(look.created.replace(/(Z|\+00:00)?$/, "Z"))),
      );
    }
  },
);
