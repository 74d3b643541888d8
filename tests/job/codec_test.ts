import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import {
  decodeData,
  encodeData,
  unfold,
  UnreadableDataError,
} from "../../lib/job/codec.ts";

const CALL = `["tasks.add", null, [1, 2], {"z": "x"}]`;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function zlib(text: string, level = 6): Uint8Array {
  return deflateSync(Buffer.from(text), { level });
}

function sent(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? bytes(data) : data;
}

Deno.test.each<[string, Uint8Array]>([
  ["plain", bytes(CALL)],
  ["zlib-compressed", zlib(CALL)],
  ["zlib-compressed, fast", zlib(CALL, 1)],
  ["zlib-compressed, small", zlib(CALL, 9)],
  ["in zlib's container, not compressed", zlib(CALL, 0)],
  ["plain with blanks around", bytes(` \n${CALL}\n`)],
  [
    "that Python's zlib wrote",
    Buffer.from(
      "eJyLVipJLM4u1ktMSVHSUcgrzcnRUYg21FEwitVRqFaqUrJSUKpQqo0FAO6iC0w=",
      "base64",
    ),
  ],
])("data %s is read", (_name, data) => {
  assertEquals(decodeData(data), {
    funcName: "tasks.add",
    args: [1, 2],
    kwargs: { z: "x" },
  });
});

Deno.test("Python's NaN and infinities are read", () => {
  const { args } = decodeData(bytes(`["f.g", null, [NaN, -Infinity], {}]`));
  assertEquals(args, [NaN, -Infinity]);
});

const PICKLE = new Uint8Array([0x80, 0x05, 0x95, 0x10, 0x00]);

Deno.test.each<[string, Uint8Array, string]>([
  ["pickled", PICKLE, "it is pickled"],
  ["pickled and compressed", deflateSync(PICKLE), "serializer=JSONSerializer"],
  ["gzip", gzipSync(CALL), "not JSON"],
  ["raw deflate", deflateRawSync(CALL), "not JSON"],
  ["empty", new Uint8Array(), "not JSON"],
  ["empty, compressed", zlib(""), "not JSON"],
  ["a single byte", new Uint8Array([0x78]), "Cannot read the job's data"],
  ["random bytes", new Uint8Array([255, 254, 0, 1]), "not JSON"],
  ["cut zlib", zlib(CALL).subarray(0, 20), "broken"],
  ["zlib's header alone", new Uint8Array([0x78, 0x9c]), "broken"],
  ["cut JSON", bytes(CALL.slice(0, -3)), "not JSON"],
  ["an object", bytes("{}"), "expected [func_name"],
  ["a number", bytes("1"), "expected [func_name"],
  ["three parts", bytes(`["f.g", null, []]`), "expected [func_name"],
  ["five parts", bytes(`["f.g", null, [], {}, 1]`), "expected [func_name"],
  ["without a name", bytes(`["", null, [], {}]`), "not text"],
  ["with a number for the name", bytes(`[1, null, [], {}]`), "not text"],
  ["a method", bytes(`["send", {}, [], {}]`), "method of a stored object"],
  ["args that are no list", bytes(`["f.g", null, {}, {}]`), "a list and"],
  ["kwargs that are no object", bytes(`["f.g", null, [], []]`), "an object"],
  ["kwargs that are null", bytes(`["f.g", null, [], null]`), "an object"],
])("data that is %s is refused in plain words", (_name, data, words) => {
  assertThrows(() => decodeData(data), UnreadableDataError, words);
});

Deno.test("zlib data with a flipped byte is refused", () => {
  const data = zlib(CALL + " ".repeat(2_000));
  data[data.length - 1]! ^= 0xff; // the checksum
  assertThrows(() => decodeData(data), UnreadableDataError, "broken");
});

Deno.test("data that unfolds to more than half a gigabyte is refused, not unfolded", () => {
  const block = Buffer.alloc(1_048_576, 0x20);
  const bomb = deflateSync(
    Buffer.concat(Array.from({ length: 520 }, () => block)),
    { level: 1 },
  );
  assertThrows(() => unfold(bomb), UnreadableDataError, "too long");
});

Deno.test.each<[string, string, string]>([
  ["short", `[1,"é日本🎉"]`, "{}"],
  ["of 1023 characters", `["${"x".repeat(1_023 - 24)}"]`, `{"k":1}`],
  ["long", `["${"🎉".repeat(5_000)}"]`, `{"k":[null]}`],
])(
  "what encodeData() writes of %s arguments is read again",
  (_n, args, kwargs) => {
    assertEquals(decodeData(sent(encodeData("jobs.f", args, kwargs))), {
      funcName: "jobs.f",
      args: JSON.parse(args),
      kwargs: JSON.parse(kwargs),
    });
  },
);

Deno.test("encodeData() compresses what is long, with zlib's header, and leaves what is short", () => {
  assertEquals(encodeData("a.b", "[1]", "{}"), `["a.b",null,[1],{}]`);
  const long = encodeData("a.b", `["${"x".repeat(5_000)}"]`, "{}");
  assert(long instanceof Uint8Array);
  assertEquals([long[0], long[1], long.length < 200], [0x78, 0x9c, true]);
});

Deno.test("a function name with quotes is read again", () => {
  const name = `jobs/"a\\b".ts#send`;
  assertEquals(decodeData(sent(encodeData(name, "[]", "{}"))).funcName, name);
});
