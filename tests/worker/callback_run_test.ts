/** What a callback is told, and what becomes of one that cannot be called. */

import { assertEquals, assertThrows } from "@std/assert";
import { JobRecord } from "../../lib/job/record.ts";
import { encodeFailure, encodeResult } from "../../lib/job/result_codec.ts";
import { callbackCall } from "../../lib/worker/callback_run.ts";
import { failure, Stage, SUCCESS } from "./stage.ts";

const encoder = new TextEncoder();

function job(fields: Record<string, string | Uint8Array>): JobRecord {
  const bytes = Object.entries(fields).map(([name, value]) =>
    [name, typeof value === "string" ? encoder.encode(value) : value] as const
  );
  return new JobRecord("a-on-x-1", new Map(bytes));
}

/** Fields of an ended job as a script packs them: a list of texts in MessagePack. */
function packed(fields: Record<string, string>): Uint8Array {
  const all = Object.entries({ id: "a", origin: "q", ...fields }).flat();
  const bytes = all.map((text) => encoder.encode(text))
    .flatMap((text) => [0xdb, 0, 0, 0, text.length, ...text]);
  return Uint8Array.from([0xdd, 0, 0, 0, all.length, ...bytes]);
}

const AT = "2026-01-02T03:04:05.000006Z";
const TOLD = {
  id: "a",
  queue: "q",
  func: "jobs.f",
  args: [1],
  kwargs: { b: 2 },
  meta: { c: 3 },
  enqueuedAt: AT,
  startedAt: "",
  endedAt: AT,
  worker: "w1",
};
const ENDED = { enqueued_at: AT, ended_at: AT, worker_name: "w1" };
const DATA = `["jobs.f",null,[1],{"b":2}]`;

Deno.test.each([
  ["finished", encodeResult("[1]"), { result: [1] }],
  ["finished", "", { result: undefined }],
  ["failed", encodeFailure("Error: é"), { error: "Error: é" }],
  ["stopped", encodeFailure("by whom"), { error: "by whom" }],
  ["failed", "", { error: "" }],
])(
  "a callback of a job that is %s is told its call and %j",
  (status, outcome, told) => {
    const call = callbackCall(
      job({
        x_callback: "success jobs/d e.ts#f",
        x_ended: packed({ ...ENDED, status, meta: `{"c":3}` }),
        x_ended_data: DATA,
        x_ended_outcome: outcome,
      }),
      false,
    );
    assertEquals(call, {
      funcName: "jobs/d e.ts#f",
      args: [{ ...TOLD, status, ...told }],
      kwargs: {},
    });
  },
);

Deno.test("a callback is called also if nobody can read its job's data or meta", () => {
  const fields = {
    x_callback: "failure jobs.f",
    x_ended: packed({ ...ENDED, status: "failed", meta: "\x80pickled" }),
    x_ended_data: "\x80pickled",
    x_ended_outcome: encodeFailure("pickled"),
  };
  const call = callbackCall(job(fields), false);
  const [told] = call!.args as [Record<string, unknown>];
  assertEquals([told["func"], told["args"], told["kwargs"]], ["", [], {}]);
  assertEquals(told["error"], "pickled");
});

Deno.test.each<[string, Record<string, string | Uint8Array>]>([
  ["it is told nothing", {}],
  ["what it is told is no list", { x_ended: "text" }],
  ["the list ends too soon", { x_ended: packed(ENDED).slice(0, 30) }],
  ["the result is no JSON", {
    x_ended: packed({ status: "finished" }),
    x_ended_outcome: encodeResult("{"),
  }],
])("a callback fails, and no other job, if %s", async (_what, fields) => {
  const name = { x_callback: "success jobs.f" };
  assertThrows(() => callbackCall(job({ ...name, ...fields }), false));
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS));
  const { execution, signal } = await stage.begun("a", {
    fields: { ...name, ...fields },
  });
  const { end, fault } = await executor.run(execution, signal);
  assertEquals([end?.outcome, fault], ["failed", undefined]);
});

Deno.test("a callback that is not known is kept as long as a result, and one that is known is not called again after an error", async () => {
  await using stage = await Stage.open();
  const wish = { type: "again", in: 5 } as const;
  const cases = [
    ["error", undefined, { type: "never" }, 77],
    ["timeout", undefined, { type: "never" }, 77],
    ["error", wish, wish, 77],
    ["missing", undefined, undefined, 500],
  ] as const;
  for (const [i, [reason, asked, retry, ttl]] of cases.entries()) {
    const failed = failure(reason);
    const outcome = asked ? { ...failed, retry: asked } : failed;
    const executor = stage.executor(() => Promise.resolve(outcome));
    const fields = {
      x_callback: "success jobs.f",
      x_ended: packed({ status: "finished" }),
      retries_left: 3,
      failure_ttl: 77,
    };
    const { execution, signal } = await stage.begun(`${i}`, { fields });
    const { end, hasBegun } = await executor.run(execution, signal);
    assertEquals([end?.outcome, end?.retry, end?.ttl], ["failed", retry, ttl]);
    assertEquals(hasBegun, reason !== "missing");
  }
});
