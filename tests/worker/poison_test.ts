import { assert, assertEquals, assertMatch } from "@std/assert";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst, JOBS } from "../e2e/support.ts";

type Fields = Readonly<Record<string, string | number | Uint8Array>>;

const bytes = (text: string) => new TextEncoder().encode(text);
const call = (func: string, args: unknown[] = [], kwargs: unknown = {}) =>
  JSON.stringify([func, null, args, kwargs]);
const ADD = call("jobs.add", [1, 2]);
const FAILS = call("jobs.fails", ["no"]);
const PICKLED = new Uint8Array([0x80, 0x04, 0x95, 0x21, 0, 0, 0, 0x2e]);

/** What a Python producer writes beside `data`. */
const PYTHON: Fields = {
  created_at: "2026-11-23T02:37:08.111378Z",
  enqueued_at: "2026-11-23T02:37:08.111378Z",
  origin: "low",
  status: "queued",
  description: "jobs.add(1, 2)",
  timeout: 180,
  success_callback_name: "",
  failure_callback_name: "",
  stopped_callback_name: "",
  started_at: "",
  ended_at: "",
  last_heartbeat: "",
  worker_name: "",
  group_id: "",
};

/** Hashes that other programs have written, all of which can be run. */
const ODD: readonly { what: string; id?: string; fields: Fields }[] = [
  { what: "only data", fields: { data: ADD } },
  { what: "zlib data", fields: { ...PYTHON, data: deflateSync(ADD) } },
  { what: "uncompressed data", fields: { ...PYTHON, data: ADD } },
  { what: "an empty description", fields: { data: ADD, description: "" } },
  {
    what: "a date with 3 digits",
    fields: { ...PYTHON, data: ADD, created_at: "2026-11-23T02:37:08.111Z" },
  },
  {
    what: "a date with an offset",
    fields: { ...PYTHON, data: ADD, created_at: "2026-11-23T02:37:08+00:00" },
  },
  {
    what: "dates that are none",
    fields: { ...PYTHON, data: ADD, created_at: "now", enqueued_at: "soon" },
  },
  {
    what: "status waiting",
    fields: { ...PYTHON, data: ADD, status: "waiting" },
  },
  { what: "no status", fields: { data: ADD, timeout: 180, origin: "low" } },
  {
    what: "status started",
    fields: { ...PYTHON, data: ADD, status: "started" },
  },
  { what: "status failed", fields: { ...PYTHON, data: ADD, status: "failed" } },
  { what: "JSON meta", fields: { ...PYTHON, data: ADD, meta: '{"a": 1}' } },
  { what: "pickled meta", fields: { ...PYTHON, data: ADD, meta: PICKLED } },
  {
    what: "meta that is a list",
    fields: { ...PYTHON, data: ADD, meta: "[1]" },
  },
  { what: "an id with a colon", id: "a:b", fields: { ...PYTHON, data: ADD } },
  { what: "an id with a dot", id: "a.b", fields: { ...PYTHON, data: ADD } },
  { what: "an id with spaces", id: "a b\tc", fields: { ...PYTHON, data: ADD } },
  { what: "an id beyond ASCII", id: "jöb-✓", fields: { ...PYTHON, data: ADD } },
  {
    what: "fields of others",
    fields: { ...PYTHON, data: ADD, "": "", z: "1" },
  },
  { what: "no timeout", fields: { data: ADD, origin: "low" } },
  { what: "timeout -1", fields: { ...PYTHON, data: ADD, timeout: -1 } },
  { what: "another origin", fields: { ...PYTHON, data: ADD, origin: "high" } },
  { what: "an empty origin", fields: { ...PYTHON, data: ADD, origin: "" } },
  { what: "no number as result_ttl", fields: { data: ADD, result_ttl: "abc" } },
  {
    what: "a fraction as result_ttl",
    fields: { data: ADD, result_ttl: "1.5" },
  },
  { what: "result_ttl -7", fields: { data: ADD, result_ttl: -7 } },
  {
    what: "a result_ttl beyond all time",
    fields: { data: ADD, result_ttl: "99999999999999999" },
  },
  {
    what: "a result_ttl that Redis' clock cannot hold",
    fields: { data: ADD, result_ttl: "9223372036854775" },
  },
  { what: "bad dependency_ids", fields: { data: ADD, dependency_ids: "{" } },
  { what: "x_attempts that is text", fields: { data: ADD, x_attempts: "no" } },
  { what: "an execution of nobody", fields: { data: ADD, x_execution: "zz" } },
  { what: "a group that is none", fields: { data: ADD, group_id: "g" } },
];

/** Hashes that nobody can run, and the reason that is to be stored. */
const BAD: readonly { what: string; fields: Fields; reason: RegExp }[] = [
  {
    what: "raw deflate",
    fields: { data: deflateRawSync(ADD) },
    reason: /not JSON/,
  },
  { what: "gzip", fields: { data: gzipSync(ADD) }, reason: /not JSON/ },
  { what: "pickle", fields: { data: PICKLED }, reason: /pickled/ },
  {
    what: "compressed pickle",
    fields: { data: deflateSync(PICKLED) },
    reason: /pickled.*JSONSerializer/s,
  },
  {
    what: "half a zlib stream",
    fields: { data: deflateSync(ADD).slice(0, 12) },
    reason: /zlib stream is broken/,
  },
  { what: "empty data", fields: { data: "" }, reason: /not JSON/ },
  {
    what: "no UTF-8",
    fields: { data: new Uint8Array([0xff, 1]) },
    reason: /not JSON/,
  },
  { what: "a number", fields: { data: "7" }, reason: /expected \[func_name/ },
  {
    what: "an integer that no number holds",
    fields: { data: '["jobs.add", null, [1], {"n": [12345678901234567890]}]' },
    reason: /Cannot read kwargs\.n\[0\]: 12345678901234567890/,
  },
  {
    what: "a number beyond all",
    fields: { data: '["jobs.add", null, [1e400, 2], {}]' },
    reason: /Cannot read args\[0\]: 1e400/,
  },
  {
    what: "three elements",
    fields: { data: '["f", null, []]' },
    reason: /func_name/,
  },
  {
    what: "no name",
    fields: { data: "[null, null, [], {}]" },
    reason: /not text/,
  },
  {
    what: "an instance",
    fields: { data: '["f", "x", [], {}]' },
    reason: /stored object/,
  },
  {
    what: "args no list",
    fields: { data: '["f", null, {}, {}]' },
    reason: /arguments/,
  },
  {
    what: "kwargs a list",
    fields: { data: '["f", null, [], []]' },
    reason: /arguments/,
  },
  {
    what: "timeout 1.5",
    fields: { ...PYTHON, data: ADD, timeout: "1.5" },
    reason: /timeout "1\.5"/,
  },
  {
    what: "timeout abc",
    fields: { ...PYTHON, data: ADD, timeout: "abc" },
    reason: /timeout "abc"/,
  },
  {
    what: "timeout 0",
    fields: { ...PYTHON, data: ADD, timeout: 0 },
    reason: /timeout "0"/,
  },
  {
    what: "no such module",
    fields: { data: call("nowhere.f") },
    reason: /Cannot find the module/,
  },
  {
    what: "no such export",
    fields: { data: call("jobs.nope") },
    reason: /nope/,
  },
  {
    what: "no function",
    fields: { data: call("jobs.notAFunction") },
    reason: /notAFunction/,
  },
  {
    what: "a name without a module",
    fields: { data: call("f") },
    reason: /"f"/,
  },
  {
    what: "a name that leads out",
    fields: { data: call("../../x.ts#f") },
    reason: /leads out|\.\./,
  },
  {
    what: "an absolute path",
    fields: { data: call("/etc/passwd#f") },
    reason: /leads out|passwd/,
  },
  { what: "a name of dots", fields: { data: call("...") }, reason: /\.\.\./ },
  {
    what: "an inherited name",
    fields: { data: call("jobs.toString") },
    reason: /toString/,
  },
  {
    what: "a module that throws",
    fields: { data: call("throws_at_import.never") },
    reason: /thrown while the module/,
  },
  {
    what: "a module that is gone",
    fields: { data: call(`file://${JOBS}/such.ts#f`) },
    reason: /no file/,
  },
  {
    what: "a file that is not under the paths",
    fields: { data: call("file:///no/such.ts#f") },
    reason: /not under the worker's paths/,
  },
  {
    what: "no number as failure_ttl",
    fields: { data: FAILS, failure_ttl: "abc" },
    reason: /RangeError: no/,
  },
  {
    what: "failure_ttl -1",
    fields: { data: FAILS, failure_ttl: -1 },
    reason: /RangeError: no/,
  },
  {
    what: "a failure_ttl beyond all time",
    fields: { data: FAILS, failure_ttl: "99999999999999999" },
    reason: /RangeError: no/,
  },
  {
    what: "retries_left that is text",
    fields: { data: FAILS, retries_left: "many" },
    reason: /RangeError: no/,
  },
  {
    what: "one and a half retries",
    fields: { data: FAILS, retries_left: "1.5" },
    reason: /RangeError: no/,
  },
  {
    what: "endless retries",
    fields: { data: FAILS, retries_left: "inf" },
    reason: /RangeError: no/,
  },
  {
    what: "-1 retries",
    fields: { data: FAILS, retries_left: -1 },
    reason: /RangeError: no/,
  },
  {
    what: "retry_intervals that are no JSON",
    fields: { data: FAILS, retries_left: 1, retry_intervals: "[" },
    reason: /RangeError: no/,
  },
  {
    what: "retry_intervals that are nested",
    fields: {
      data: FAILS,
      retries_left: 2,
      retry_intervals: '[[1], null, "x", {}]',
    },
    reason: /RangeError: no/,
  },
];

/** Runs a job with a sound one behind it. */
async function run(
  fields: Fields,
  id: string,
  check: (bench: Bench, output: string) => Promise<void>,
): Promise<void> {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.push("low", id, fields);
  const sound = await bench.queue("low").enqueue("jobs.add", 20, 22);
  const { code, stdout, stderr } = await burst(["low", "--url", redis.url]);
  const output = stdout + stderr;
  assertEquals(code, 0, output);
  assertEquals(await sound.getStatus(), "finished", output);
  for (const key of ["rq:queue:low", "rq:queue:low:intermediate"]) {
    assertEquals(await bench.client.send("LLEN", [key]), 0, `${key} ${output}`);
  }
  assertEquals(
    await bench.client.send("ZRANGE", ["rq:wip:low", 0, -1]),
    [],
    output,
  );
  await check(bench, output);
}

Deno.test.each([...ODD])(
  "a hash with $what is run",
  async ({ id = "odd", fields }) => {
    await run(fields, id, async (bench, output) => {
      const key = `rq:job:${id}`;
      assertEquals(await bench.field(key, "status"), "finished", output);
      const entries = await bench.client.send("XLEN", [`rq:results:${id}`]);
      assertEquals(entries, 1, output);
    });
  },
);

Deno.test.each([...BAD])(
  "a hash with $what fails that job alone, with the reason",
  async ({ fields, reason }) => {
    await run(fields, "bad", async (bench, output) => {
      assertEquals(await bench.field("rq:job:bad", "status"), "failed", output);
      const failed = await bench.client.send("ZRANGE", [
        "rq:failed:low",
        0,
        -1,
      ]);
      assertEquals(failed, ["bad"]);
      const job = await bench.queue("low").fetchJob("bad");
      assert(job);
      assertMatch(await job.excInfo() ?? "", reason);
    });
  },
);

Deno.test("a text that JSON does not know is read as Python writes it", async () => {
  const data = '["jobs.texts", null, [NaN, Infinity, 0.5], {}]';
  await run({ ...PYTHON, data }, "odd", async (bench, output) => {
    const job = await bench.queue("low").fetchJob("odd");
    assertEquals(await bench.field("rq:job:odd", "status"), "finished", output);
    const texts = await job?.wait({ timeout: 1 }) as string[];
    assertEquals(texts, ["NaN", "Infinity", "0.5"]);
  });
});

Deno.test("kwargs reach the function as one last object", async () => {
  const data = call("jobs.echo", [1], { b: bytes("x").length, a: [true] });
  await run({ ...PYTHON, data }, "odd", async (bench) => {
    const job = await bench.queue("low").fetchJob("odd");
    assertEquals(await job?.wait({ timeout: 1 }), [1, { b: 1, a: [true] }]);
  });
});
