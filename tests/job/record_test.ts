import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { deflateSync } from "node:zlib";
import { UnreadableDataError } from "../../lib/job/codec.ts";
import { fieldsOfReply, JobRecord } from "../../lib/job/record.ts";

const encoder = new TextEncoder();

function record(fields: Record<string, string | Uint8Array>): JobRecord {
  const map = Object.entries(fields).map(([name, value]) =>
    [
      name,
      typeof value === "string" ? encoder.encode(value) : value,
    ] as const
  );
  return new JobRecord("a1", new Map(map));
}

Deno.test.each<[string, number | undefined]>([
  ["0", 0],
  ["500", 500],
  ["-1", -1],
  ["-7", -1],
  ["3153600000", 3_153_600_000],
  ["8000000000000000", 3_153_600_000],
  ["99999999999999999999", 3_153_600_000],
  ["1.5", undefined],
  ["1e3", undefined],
  ["inf", undefined],
  ["", undefined],
])("a time to live of %j is read as %j", (text, seconds) => {
  assertEquals(record({ result_ttl: text }).seconds("result_ttl"), seconds);
});

Deno.test("a hash with nothing in it has a default for everything", () => {
  const job = record({});
  assertEquals(
    [job.id, job.text("status"), job.timeout, job.meta, job.dependencyIds],
    ["a1", undefined, 180, {}, []],
  );
  assertEquals([job.description, job.date("created_at")], ["a1", null]);
  assertEquals([job.text("origin"), job.integer("ttl")], [
    undefined,
    undefined,
  ]);
});

Deno.test("an empty field is an unset one, as RQ writes it", () => {
  const job = record({ description: "", started_at: "", status: "", meta: "" });
  assertEquals(
    [job.description, job.date("started_at"), job.text("status"), job.meta],
    ["a1", null, undefined, {}],
  );
});

Deno.test.each<[string, number | undefined]>([
  ["5", 5],
  ["-1", -1],
  ["+7", 7],
  ["0", 0],
  ["1.5", undefined],
  ["", undefined],
  ["x", undefined],
  ["5 ", undefined],
  ["0x5", undefined],
  ["1e3", undefined],
])("integer() reads %s as %s", (text, value) => {
  assertEquals(record({ result_ttl: text }).integer("result_ttl"), value);
});

Deno.test.each<[string, number]>([
  ["180", 180],
  ["-1", -1],
  ["5m", 300],
  ["1h", 3_600],
])("timeout reads %s as %d", (text, seconds) => {
  assertEquals(record({ timeout: text }).timeout, seconds);
});

Deno.test.each<[string]>([["1.5"], ["0"], ["-5"], ["x"], ["1e3"]])(
  "timeout refuses %s, which spoils this job alone",
  (text) => {
    assertThrows(() => record({ timeout: text }).timeout, RangeError);
  },
);

Deno.test.each<[string, string | Uint8Array, Record<string, unknown>]>([
  ["JSON", `{"a": 1}`, { a: 1 }],
  ["Python's NaN", `{"a": NaN}`, { a: NaN }],
  ["a list", "[1]", { unserialized: "[1]" }],
  ["a text", `"x"`, { unserialized: `"x"` }],
  ["null", "null", { unserialized: "null" }],
  ["no JSON", "{", { unserialized: "{" }],
  ["pickled", new Uint8Array([0x80, 5, 0x7d]), { unserialized: "\ufffd\x05}" }],
])("meta that is %s is read without an error", (_name, text, meta) => {
  assertEquals(record({ meta: text }).meta, meta);
});

Deno.test.each<[string, Record<string, string>, string[]]>([
  ["a list", { dependency_ids: `["a", "b"]`, dependency_id: "a" }, ["a", "b"]],
  ["one, as before RQ 1.8", { dependency_id: "a" }, ["a"]],
  ["a broken list", { dependency_ids: "[" }, []],
  ["no list", { dependency_ids: "{}" }, []],
  ["an empty list", { dependency_ids: "[]" }, []],
])("dependencyIds reads %s", (_name, fields, ids) => {
  assertEquals(record(fields).dependencyIds, ids);
});

Deno.test("the call is read once, and so is what is wrong with it", () => {
  const good = record({ data: `["f.g", null, [1], {}]` });
  assertStrictEquals(good.call, good.call);
  const bad = record({ data: deflateSync("[") });
  const first = assertThrows(() => bad.call, UnreadableDataError);
  assertStrictEquals(assertThrows(() => bad.call), first);
  assertThrows(() => record({}).call, UnreadableDataError);
});

Deno.test("text that is no UTF-8 is shown, not refused", () => {
  assertEquals(
    record({ description: new Uint8Array([0x61, 0xff]) }).description,
    "a\ufffd",
  );
});

Deno.test("fieldsOfReply() makes a map of a flat reply, and of nonsense none", () => {
  const e = (text: string) => encoder.encode(text);
  const fields = fieldsOfReply([e("a"), e("1"), e("b"), e("2")]);
  assertEquals([...fields.keys()], ["a", "b"]);
  assertEquals(fieldsOfReply([]).size, 0);
  assertEquals(fieldsOfReply([e("a")]).size, 0);
  assertEquals(fieldsOfReply([1, null]).size, 0);
});
