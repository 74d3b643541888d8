/** Malformed hashes, written by other programs: each harms its own job at most. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { testUnless } from "../support/skip.ts";
import { findPythons, REASON, Stage } from "./support.ts";

/** A malformed job; `fields` is Python code that changes what RQ 3 writes. */
interface Pill {
  readonly what: string;
  /** Changes the dictionary `h`, or writes under `key` itself and sets `h` to None. */
  readonly code: string;
  readonly id?: string;
  /** The status that the job ends in; `null` where there is none to be read. */
  readonly ends: string | null;
}

const PILLS: readonly Pill[] = [
  { what: "only data", code: `h = {"data": h["data"]}`, ends: "finished" },
  {
    what: "uncompressed data",
    code: `h["data"] = '["shared.add", null, [1, 2], {}]'`,
    ends: "finished",
  },
  { what: "no description", code: `del h["description"]`, ends: "finished" },
  {
    what: "a date with three fraction digits",
    code: `h["created_at"] = "2026-11-23T02:37:08.111Z"`,
    ends: "finished",
  },
  {
    what: "a date with an offset",
    code:
      `h["created_at"] = h["enqueued_at"] = "2026-11-23T02:37:08.111378+00:00"`,
    ends: "finished",
  },
  {
    what: "dates that are none",
    code: `h["created_at"] = h["enqueued_at"] = h["started_at"] = "yesterday"`,
    ends: "finished",
  },
  {
    what: "a status that nobody knows",
    code: `h["status"] = "waiting"`,
    ends: "finished",
  },
  { what: "no status", code: `del h["status"]`, ends: "finished" },
  { what: "meta in JSON", code: `h["meta"] = '{"a": 1}'`, ends: "finished" },
  {
    what: "meta in pickle",
    code: `import pickle; h["meta"] = pickle.dumps({"a": 1})`,
    ends: "finished",
  },
  { what: "meta that is a list", code: `h["meta"] = "[1]"`, ends: "finished" },
  { what: "an id with a colon", code: "", id: "a:b", ends: "finished" },
  { what: "an id with a dot", code: "", id: "a.b", ends: "finished" },
  {
    what: "an id with spaces and slashes",
    code: "",
    id: "ü /#?",
    ends: "finished",
  },
  {
    what: "data in raw deflate",
    code:
      `c = zlib.compressobj(wbits=-15); h["data"] = c.compress(plain) + c.flush()`,
    ends: "failed",
  },
  {
    what: "data in gzip",
    code:
      `c = zlib.compressobj(wbits=31); h["data"] = c.compress(plain) + c.flush()`,
    ends: "failed",
  },
  {
    what: "a zlib stream that is cut short",
    code: `h["data"] = h["data"][:10]`,
    ends: "failed",
  },
  { what: "empty data", code: `h["data"] = ""`, ends: "failed" },
  { what: "data that is no JSON", code: `h["data"] = "[1,"`, ends: "failed" },
  { what: "data that is no call", code: `h["data"] = "{}"`, ends: "failed" },
  {
    what: "data with three elements",
    code: `h["data"] = '["shared.add", null, []]'`,
    ends: "failed",
  },
  {
    what: "args that are no list",
    code: `h["data"] = '["shared.add", null, "x", {}]'`,
    ends: "failed",
  },
  {
    what: "data that is no UTF-8",
    code: `h["data"] = b'["shared.add", null, ["\\xff"], {}]'`,
    ends: "failed",
  },
  {
    what: "a method of an object",
    code: `h["data"] = '["add", {"a": 1}, [], {}]'`,
    ends: "failed",
  },
  {
    what: "a function name with no module",
    code: `h["data"] = '["print", null, [], {}]'`,
    ends: "failed",
  },
  {
    what: "a function that leads out of the paths",
    code: `h["data"] = '["../../x.ts#y", null, [], {}]'`,
    ends: "failed",
  },
  { what: "a timeout of 1.5", code: `h["timeout"] = "1.5"`, ends: "failed" },
  {
    what: "a timeout that is no number",
    code: `h["timeout"] = "soon"`,
    ends: "failed",
  },
  {
    what: "a timeout in RQ's text form",
    code: `h["timeout"] = "1h"`,
    ends: "finished",
  },
  { what: "no timeout", code: `del h["timeout"]`, ends: "finished" },
  { what: "an unknown field", code: `h["x_unknown"] = "1"`, ends: "finished" },
  {
    what: "a result_ttl of 1.5",
    code: `h["result_ttl"] = "1.5"`,
    ends: "finished",
  },
  {
    what: "a result_ttl out of range",
    code: `h["result_ttl"] = "9" * 30`,
    ends: "finished",
  },
  {
    what: "a failure_ttl out of range",
    code: `h["failure_ttl"] = "9" * 30; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "a failure_ttl of -5",
    code: `h["failure_ttl"] = "-5"; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "retries_left of 1.5",
    code: `h["retries_left"] = "1.5"; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "retries_left in scientific notation",
    code: `h["retries_left"] = "1e0"; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "retries_left that is no number",
    code: `h["retries_left"] = "many"; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "retry_intervals that are no JSON",
    code:
      `h["retries_left"] = "1"; h["retry_intervals"] = "1, 2"; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "retry_intervals of other things than numbers",
    code:
      `h["retries_left"] = "1"; h["retry_intervals"] = '[{"a": 1}, null, [2]]'; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "an empty retry_intervals object",
    code:
      `h["retries_left"] = "1"; h["retry_intervals"] = '{}'; h["data"] = fails`,
    ends: "failed",
  },
  {
    what: "dependency_ids that are no JSON",
    code: `h["dependency_ids"] = "a, b"`,
    ends: "finished",
  },
  {
    what: "x_attempts of another program",
    code: `h["x_attempts"] = "two"`,
    ends: "finished",
  },
  {
    what: "the origin of another queue",
    code: `h["origin"] = "elsewhere"`,
    ends: "finished",
  },
  { what: "an empty origin", code: `h["origin"] = ""`, ends: "finished" },
  {
    what: "a group that does not exist",
    code: `h["group_id"] = "gone"`,
    ends: "finished",
  },
  { what: "no data", code: `del h["data"]`, ends: "queued" },
  { what: "no hash at all", code: `h = None`, ends: null },
  {
    what: "a string in place of the hash",
    code: `redis.set(key, "x"); h = None`,
    ends: null,
  },
  {
    what: "a list in place of the results",
    code: `redis.rpush("rq:results:" + id, "x")`,
    ends: "finished",
  },
  {
    what: "a string in place of the dependents",
    code: `redis.set("rq:job:" + id + ":dependents", "x")`,
    ends: "finished",
  },
  {
    what: "JSON nested very deeply",
    code:
      `h["data"] = '["shared.nothing", null, [' + "[" * 20000 + "]" * 20000 + '], {}]'`,
    ends: "failed",
  },
];

const WRITE = `
import zlib
id, key = args["id"], "rq:job:" + args["id"]
plain = b'["shared.add", null, [1, 2], {}]'
fails = '["shared.fail", null, ["on purpose"], {}]'
h = {
    "created_at": "2026-11-23T02:37:08.111378Z", "data": zlib.compress(plain),
    "success_callback_name": "", "failure_callback_name": "", "stopped_callback_name": "",
    "started_at": "", "ended_at": "", "last_heartbeat": "", "worker_name": "", "group_id": "",
    "origin": "default", "description": "shared.add(1, 2)",
    "enqueued_at": "2026-11-23T02:37:08.111378Z", "timeout": "180", "status": "queued",
}
exec(args["change"])
if h is not None: redis.hset(key, mapping=h)
redis.sadd("rq:queues", "rq:queue:default")
redis.rpush("rq:queue:default", id)
`;

const [python] = await findPythons();

/** The status in a job's hash, once it is the expected one, or after a second. */
async function statusOf(
  stage: Stage,
  id: string,
  ends: string | null,
): Promise<string | null> {
  return await stage.py<string | null>(
    `
    key = "rq:job:" + args["id"]
    deadline = time.time() + 1
    while True:
        out = redis.hget(key, "status") if redis.type(key) == b"hash" else None
        out = out and out.decode()
        if out == args["ends"] or time.time() > deadline: break
        time.sleep(0.02)
    `,
    { id, ends },
  );
}

testUnless(
  python ? undefined : REASON,
  "A badly written job spoils itself at most, and the worker goes on",
  async (t) => {
    await using stage = await Stage.start(python!);
    let worker = await stage.listening("default");
    for (const [i, { what, code, id = `pill-${i}`, ends }] of PILLS.entries()) {
      await t.step(`${what} ends as ${ends ?? "nothing"}`, async () => {
        if (!worker.runs) worker = await stage.listening("default");
        await stage.py(WRITE, { id, change: code });
        const next = await stage.py<string>(
          `out = queue().enqueue("shared.add", ${i}, 0, job_id="after-${i}").id`,
        );
        assertEquals((await stage.reaches(next, "finished")).value, i);
        const status = await statusOf(stage, id, ends);
        assert(
          worker.runs,
          `The worker ended:\n${worker.output.slice(-2_000)}`,
        );
        assertEquals(status, ends, worker.output.slice(-2_000));
        const wip = await stage.send<string[]>(
          "ZRANGE",
          "rq:wip:default",
          0,
          -1,
        );
        assertEquals(wip.filter((member) => member.startsWith(`${id}:`)), []);
        assertEquals(await stage.send("LLEN", "rq:queue:default"), 0);
        const caught = "rq:queue:default:intermediate";
        assertEquals(await stage.send("LLEN", caught), 0);
      });
    }
    assertMatch(await stage.rqDone("info", "--raw"), /^queue default /m);
  },
);

testUnless(
  python ? undefined : REASON,
  "A key of the wrong type does not keep a worker from its other queues",
  async (t) => {
    const wrong = ["rq:queue:bad", "rq:wip:bad", "rq:queue:bad:intermediate"];
    for (const key of wrong) {
      await t.step(key, async () => {
        await using stage = await Stage.start(python!);
        await stage.py(
          `
          redis.sadd("rq:queues", "rq:queue:bad")
          redis.set(args["key"], "x")
          `,
          { key },
        );
        await stage.listening("bad", "default");
        const id = await stage.py<string>(
          `out = queue().enqueue("shared.add", 1, 2).id`,
        );
        assertEquals((await stage.reaches(id, "finished")).value, 3);
      });
    }
  },
);
