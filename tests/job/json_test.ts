import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeJson,
  encodeJson,
  encodePythonJson,
} from "../../lib/job/json.ts";

const cycle: { list: unknown[] } = { list: [1, {}] };
cycle.list[1] = { back: cycle.list };

class Point {
  x = 1;
  #hidden = 2;
  get sum(): number {
    return this.x + this.#hidden;
  }
}

Deno.test.each([
  { what: "plain values", value: [1, "a", null, true, { b: [] }] },
  { what: "undefined in arrays as null", value: [undefined, 1] },
  { what: "undefined properties not at all", value: { a: undefined, b: 1 } },
  { what: "dates", value: [new Date(0)] },
  { what: "URLs, by toJSON()", value: { url: new URL("http://a/") } },
  { what: "instances of classes", value: [new Point()] },
  { what: "boxed values", value: [Object(1), Object("a"), Object(false)] },
  { what: "symbol keys not at all", value: { [Symbol("a")]: 1, b: 2 } },
  { what: "objects without a prototype", value: Object.create(null) },
  {
    what: "a key __proto__",
    value: [JSON.parse('{"__proto__":1}'), new Date(0)],
  },
  { what: "the same object twice", value: [cycleFree(), cycleFree()] },
])("encodeJson() stores $what, as JSON.stringify does", ({ value }) => {
  assertEquals(encodeJson(value, "args"), JSON.stringify(value));
});

function cycleFree(): unknown {
  const shared = { at: new Date(0) };
  return [shared, shared];
}

Deno.test.each([
  { value: [{ when: 1n }], message: "args[0].when: BigInt is not JSON" },
  { value: [() => 1], message: "args[0]: a function is not JSON" },
  { value: { a: Symbol() }, message: "args.a: a symbol is not JSON" },
  { value: cycle, message: "args.list[1].back: it points back to args.list" },
  { value: [NaN], message: "args[0]: NaN is not JSON" },
  {
    value: { "a b": -Infinity },
    message: 'args["a b"]: -Infinity is not JSON',
  },
  { value: [new Date(NaN)], message: "args[0]: the Date is invalid" },
  { value: [new Set()], message: "args[0]: Set is not JSON, store [...set]" },
  { value: /a/, message: "args: RegExp is not JSON, store its source" },
  { value: new WeakMap(), message: "args: WeakMap is not JSON" },
  {
    value: [Promise.resolve()],
    message: "args[0]: Promise is not JSON, await it first",
  },
  {
    value: { data: new Uint8Array(1) },
    message: "args.data: Uint8Array is not JSON, encode it as base64",
  },
  {
    value: new ArrayBuffer(1),
    message: "args: ArrayBuffer is not JSON, encode it as base64",
  },
  {
    value: { toJSON: () => ({ z: 1n }) },
    message: "args.z: BigInt is not JSON",
  },
  { value: undefined, message: "args: undefined is not JSON" },
])("encodeJson() refuses with $message", ({ value, message }) => {
  const error = assertThrows(() => encodeJson(value, "args"), TypeError);
  assertEquals(
    error.message.startsWith(`Cannot store ${message}`),
    true,
    error.message,
  );
});

Deno.test("encodeJson() names the getter that threw, and why", () => {
  const cause = new Error("not now");
  const value = {
    get when(): never {
      throw cause;
    },
  };
  const error = assertThrows(() => encodeJson([value], "args"), TypeError);
  assertEquals(error.message, "Cannot store args[0].when: its getter threw");
  assertEquals(error.cause, cause);
});

Deno.test("encodeJson() calls a getter and toJSON() once", () => {
  let calls = 0;
  const value = { toJSON: () => ++calls };
  assertEquals(encodeJson([value], "args"), "[1]");
  assertEquals(calls, 1);
});

Deno.test("encodeJson() refuses what is nested too deeply rather than overflow", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  assertThrows(() => encodeJson(deep, "args"), TypeError, "nested too deeply");
});

Deno.test("decodeJson() reads the literals of Python outside of strings", () => {
  const text =
    '[NaN, -Infinity, Infinity, "NaN \\" Infinity", 0e-999, {"a": NaN}]';
  assertEquals(decodeJson(text), [
    NaN,
    -Infinity,
    Infinity,
    'NaN " Infinity',
    0,
    { a: NaN },
  ]);
  assertEquals(decodeJson('"\\\\"'), "\\");
  assertEquals(decodeJson('["\\\\", NaN]'), ["\\", NaN]);
});

Deno.test.each(["", "[NaN", "NaNN", "Infinity-", "{'a': 1}", '["NaN]'])(
  "decodeJson() refuses %s",
  (text) => {
    assertThrows(() => decodeJson(text), SyntaxError);
  },
);

Deno.test("encodePythonJson() writes what decodeJson() reads the same", () => {
  const value = [NaN, { a: -Infinity, b: "NaN" }, [Infinity, 1.5, null]];
  assertEquals(decodeJson(encodePythonJson(value)), value);
});
