/** Jobs that Python enqueues and a Deno worker runs. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { eachPython, findPythons, type Stage } from "./support.ts";

const pythons = await findPythons();

async function runOne(stage: Stage, code: string): Promise<string> {
  const id = await stage.py<string>(code);
  await stage.denoBurst("default");
  return id;
}

eachPython(
  pythons,
  "A Deno worker runs a function that Python names by its dotted path, with kwargs",
  async (stage) => {
    const id = await runOne(
      stage,
      `out = queue().enqueue("shared.add", 2, 3, scale=10).id`,
    );
    const look = await stage.look(id);
    assertEquals([look.status, look.value, look.type], ["finished", 50, 1]);
    assertMatch(look.worker ?? "", /\S/);
    const [created, started, ended] = [look.created, look.started, look.ended]
      .map((text) => Date.parse(`${text}`.replace(/(Z|\+00:00)?$/, "Z")));
    assert(created! <= started! && started! <= ended!, JSON.stringify(look));
    assertEquals(await stage.send("LLEN", "rq:queue:default"), 0);
    assertEquals(await stage.send("ZCARD", "rq:wip:default"), 0);
    assertEquals(
      await stage.py(`out = fetch(args["id"]).exc_info`, { id }),
      null,
    );
  },
);

eachPython(
  pythons,
  "A Deno worker runs a function object that Python has imported",
  async (stage) => {
    const id = await runOne(
      stage,
      `
      import shared
      out = queue().enqueue(shared.add, args=(1, 1), kwargs={"scale": 4}).id
      `,
    );
    assertEquals((await stage.look(id)).value, 8);
  },
);

eachPython(
  pythons,
  "What Python sends as arguments comes back from Deno unchanged",
  async (stage) => {
    const id = await runOne(
      stage,
      `out = queue().enqueue("shared.echo", None, True, -1.5, "h\\u00e9 \\u2603 \\U0001F600", [1, [2]], {"a": {"b": []}}, 2**53).id`,
    );
    assertEquals((await stage.look(id)).value, [
      null,
      true,
      -1.5,
      "hé ☃ 😀",
      [1, [2]],
      { a: { b: [] } },
      2 ** 53,
    ]);
  },
);

eachPython(
  pythons,
  "NaN and the infinities of Python reach a Deno function",
  async (stage) => {
    const id = await runOne(
      stage,
      `out = queue().enqueue("kinds.ofNumbers", float("nan"), float("inf"), float("-inf")).id`,
    );
    assertEquals((await stage.look(id)).value, [
      "NaN",
      "Infinity",
      "-Infinity",
    ]);
  },
);

eachPython(
  pythons,
  "A Deno function that returns nothing gives Python None",
  async (stage) => {
    const id = await runOne(
      stage,
      `out = queue().enqueue("shared.nothing").id`,
    );
    const look = await stage.look(id);
    assertEquals([look.status, look.value, look.type], ["finished", null, 1]);
  },
);

eachPython(
  pythons,
  "Python reads the error, its class and its stack from a failed Deno job",
  async (stage) => {
    const id = await runOne(
      stage,
      `out = queue().enqueue("shared.fail", "no luck").id`,
    );
    const look = await stage.look(id);
    assertEquals([look.status, look.value, look.type], ["failed", null, 2]);
    assertStringIncludes(look.exc ?? "", "RangeError: no luck");
    assertStringIncludes(look.exc ?? "", "shared.ts");
    const known = await stage.py(
      `
      job = fetch(args["id"])
      out = [job.exc_info == job.latest_result().exc_string,
             FailedJobRegistry("default", connection=redis).get_job_ids()]
      `,
      { id },
    );
    assertEquals(known, [true, [id]]);
  },
);

eachPython(
  pythons,
  "A Deno worker keeps to timeout, result_ttl, failure_ttl and ttl of Python",
  async (stage) => {
    const ids = await stage.py<string[]>(`
      q = queue()
      out = [
          q.enqueue("shared.add", 1, 1, result_ttl=77).id,
          q.enqueue("shared.fail", "x", failure_ttl=88).id,
          q.enqueue("shared.add", 1, 1, result_ttl=-1).id,
          q.enqueue("shared.add", 1, 1, result_ttl=0).id,
          q.enqueue("shared.add", 1, 1, ttl=99).id,
          q.enqueue("shared.hold", "/nonexistent/x", "/dev/null", job_timeout=1).id,
      ]
    `);
    await stage.denoBurst("default");
    const [result, failure, forever, none, ttl, timeout] = ids;
    const left = (id?: string) => stage.send<number>("TTL", `rq:job:${id}`);
    assertAlmostEquals(await left(result), 77, 20);
    assertAlmostEquals(await left(failure), 88, 20);
    assertEquals(await left(forever), -1);
    assertEquals(await left(none), -2);
    assertAlmostEquals(await left(ttl), 500, 20);
    assertEquals(
      await stage.send("ZSCORE", "rq:finished:default", forever!),
      "Infinity",
    );
    const timedOut = await stage.look(timeout!);
    assertEquals(timedOut.status, "failed");
    assertMatch(timedOut.exc ?? "", /Timeout/);
  },
);

eachPython(
  pythons,
  "A Deno worker skips a job of Python whose ttl has run out",
  async (stage) => {
    const id = await stage.py<string>(
      `out = queue().enqueue("shared.add", 1, 1, ttl=1).id`,
    );
    await stage.py(
      `
      while redis.exists("rq:job:" + args["id"]): time.sleep(0.05)
      `,
      { id },
    );
    const output = await stage.denoBurst("default");
    assert(!output.includes("shared.add"), output);
    assertEquals(await stage.send("LLEN", "rq:queue:default"), 0);
  },
);

eachPython(
  pythons,
  "A job that Python put at the front runs first",
  async (stage) => {
    const path = `${stage.folder}/order`;
    await stage.py(
      `
      q = queue()
      for i in range(3): q.enqueue("shared.mark", args["path"], str(i))
      q.enqueue("shared.mark", args["path"], "front", at_front=True)
      `,
      { path },
    );
    await stage.denoBurst("default");
    assertEquals(await Deno.readTextFile(path), "front\n0\n1\n2\n");
  },
);

eachPython(
  pythons,
  "A Deno worker releases Python's deferred jobs, and with allow_failure those of a failed parent",
  async (stage) => {
    const ids = await stage.py<string[]>(`
      q = queue()
      good = q.enqueue("shared.add", 1, 1)
      bad = q.enqueue("shared.fail", "x")
      after = q.enqueue("shared.add", 2, 2, depends_on=[good])
      lenient = q.enqueue("shared.add", 3, 3, depends_on=Dependency(jobs=[good, bad], allow_failure=True))
      strict = q.enqueue("shared.add", 4, 4, depends_on=bad)
      chain = queue("other").enqueue("shared.add", 5, 5, depends_on=[after, lenient])
      out = [j.id for j in (good, bad, after, lenient, strict, chain)]
    `);
    await stage.denoBurst("default", "other");
    const looks = await Promise.all(ids.map((id) => stage.look(id)));
    assertEquals(looks.map(({ status, value }) => [status, value]), [
      ["finished", 2],
      ["failed", null],
      ["finished", 4],
      ["finished", 6],
      ["deferred", null],
      ["finished", 10],
    ]);
    const left = await stage.py(`
      out = [DeferredJobRegistry(q, connection=redis).get_job_ids() for q in ("default", "other")]
    `);
    assertEquals(left, [[ids[4]], []]);
  },
);

eachPython(
  pythons,
  "Python reads the meta that a Deno job has changed, and Deno that of Python",
  async (stage) => {
    const id = await runOne(
      stage,
      `out = queue().enqueue("progress.setMeta", "done", [1, 2], meta={"from": "python"}).id`,
    );
    const look = await stage.look(id);
    assertEquals(look.meta, { from: "python", done: [1, 2] });
    assertEquals(look.value, look.meta);
  },
);

eachPython(
  pythons,
  "A job with Retry(max, interval=0) runs again until it succeeds or has no retries left",
  async (stage) => {
    const [works, fails] = [`${stage.folder}/a`, `${stage.folder}/b`];
    const ids = await stage.py<string[]>(
      `
      q = queue()
      out = [q.enqueue("shared.failUntil", path, 3, retry=Retry(max=max, interval=0)).id
             for path, max in ((args["works"], 4), (args["fails"], 1))]
      `,
      { works, fails },
    );
    await stage.denoBurst("default");
    const [good, bad] = await Promise.all(ids.map((id) => stage.look(id)));
    assertEquals(
      [good!.status, good!.value, good!.retriesLeft],
      ["finished", "attempt 3", 2],
    );
    assertEquals([bad!.status, bad!.retriesLeft], ["failed", 0]);
    assertStringIncludes(bad!.exc ?? "", "Attempt 2 of 3");
    assertEquals(await Deno.readTextFile(fails), "attempt\nattempt\n");
  },
);

eachPython(
  pythons,
  "A pickled job fails with a message that says how to enqueue it, and the next one runs",
  async (stage) => {
    const [pickled, next] = await stage.py<string[]>(`
      a = Queue(connection=redis).enqueue("shared.add", 1, 2)
      b = queue().enqueue("shared.add", 1, 2)
      out = [a.id, b.id]
    `);
    await stage.denoBurst("default");
    const look = await stage.py<{ status: string; exc: string }>(
      `
      job = Job.fetch(args["id"], connection=redis)
      out = {"status": text(job.get_status()), "exc": job.latest_result().exc_string}
      `,
      { id: pickled },
    );
    assertEquals(look.status, "failed");
    assertStringIncludes(look.exc, "pickled");
    assertStringIncludes(look.exc, "serializer=JSONSerializer");
    assertEquals((await stage.look(next!)).value, 3);
  },
);

eachPython(
  pythons,
  "A function that no Deno module has fails its job, and the next one runs",
  async (stage) => {
    const ids = await stage.py<string[]>(`
      q = queue()
      out = [q.enqueue(f, 1, 2).id for f in ("nowhere.at.all", "shared.missing", "len", "shared.add")]
    `);
    await stage.denoBurst("default");
    const looks = await Promise.all(ids.map((id) => stage.look(id)));
    assertEquals(looks.map(({ status }) => status), [
      "failed",
      "failed",
      "failed",
      "finished",
    ]);
    assertStringIncludes(looks[0]!.exc ?? "", "nowhere");
    assertStringIncludes(looks[1]!.exc ?? "", "missing");
  },
);
