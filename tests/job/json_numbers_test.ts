import { assertEquals, assertThrows } from "@std/assert";
import { decodeData, heldCall } from "../../lib/job/codec.ts";
import {
  decodeJson,
  decodeJsonFor,
  encodeJson,
  encodePythonJson,
} from "../../lib/job/json.ts";

const encoder = new TextEncoder();

const READ: [string, unknown][] = [
  ["9007199254740991", 9007199254740991],
  ["9007199254740992", 9007199254740992],
  ["9007199254740993", 9007199254740993n],
  ["-9007199254740993", -9007199254740993n],
  ["[1152921504606846976]", [2 ** 60]],
  ["[1152921504606847000]", [1152921504606847000n]],
  [`{"a":[{"id":123456789012345678901234567890}]}`, {
    a: [{ id: 123456789012345678901234567890n }],
  }],
  [`"9007199254740993"`, "9007199254740993"],
  [`{"9007199254740993":1}`, { "9007199254740993": 1 }],
  ["0.30000000000000004", 0.30000000000000004],
  ["1e+20", 1e20],
  ["-0", -0],
  ["1e300", 1e300],
  ["[NaN,9007199254740993,-Infinity]", [NaN, 9007199254740993n, -Infinity]],
];

Deno.test.each(READ)("JSON %s is read without a change", (text, value) => {
  assertEquals(decodeJson(text), value);
});

Deno.test.each(READ)(
  "JSON %s stays the same on every further way",
  (text, value) => {
    assertEquals(decodeJson(encodePythonJson(decodeJson(text))), value);
  },
);

Deno.test.each([[2 ** 53], [2 ** 60], [-(2 ** 60)], [1.2345678901234567e20], [
  1e21,
], [Number.MAX_VALUE]])(
  "the number %d is read again as it was written",
  (value) => {
    for (
      const text of [encodeJson([value], "args"), encodePythonJson([value])]
    ) {
      assertEquals(decodeJson(text), [value], text);
    }
  },
);

Deno.test("an integer is written with its own digits, which Python reads exactly", () => {
  assertEquals(encodeJson(2 ** 60, "args"), "1152921504606846976");
});

Deno.test("BigInts are written as integers where they are asked for, else refused", () => {
  const value = { a: [1n, 2n ** 70n], b: -1n };
  const text = `{"a":[1,1180591620717411303424],"b":-1}`;
  assertEquals(encodeJson(value, "args", { bigInts: true }), text);
  assertThrows(
    () => encodeJson(value, "args"),
    TypeError,
    "Cannot store args.a[0]: BigInt is not JSON",
  );
});

Deno.test.each([["1e400"], ["-1e400"], ["123456789e301"], [
  "9".repeat(400) + ".5",
], ["1".repeat(5_000)]])(
  "the number %s is refused, with BigInts too",
  (number) => {
    for (const bigInts of [false, true]) {
      const { message } = assertThrows(
        () => decodeJsonFor(`{"a":[${number}]}`, "result", { bigInts }),
        RangeError,
      );
      assertEquals(
        message.startsWith(`Cannot read result.a[0]: ${number.slice(0, 50)}`),
        true,
        message,
      );
    }
  },
);

Deno.test("what is read names the path and the number, unless BigInts are asked for", () => {
  const text = `[{"id":9007199254740993}]`;
  assertThrows(
    () => decodeJsonFor(text, "result", {}),
    RangeError,
    "Cannot read result[0].id: 9007199254740993 is more than",
  );
  assertEquals(decodeJsonFor(text, "result", { bigInts: true }), [
    { id: 9007199254740993n },
  ]);
});

const ARGUMENTS: [string, string][] = [
  [`[{"id":9007199254740993}],{}`, "args[0].id: 9007199254740993"],
  [
    `[],{"of":{"x y":[-9007199254740993]}}`,
    `kwargs.of["x y"][0]: -9007199254740993`,
  ],
  ["[1,1e400],{}", "args[1]: 1e400"],
];

Deno.test.each(ARGUMENTS)(
  "arguments %s are refused by the path %s",
  (json, path) => {
    const read = () =>
      heldCall(decodeData(encoder.encode(`["a.b",null,${json}]`)), false);
    assertThrows(read, Error, `Cannot read ${path} is more than`);
  },
);

Deno.test("JSON that is nested too deeply for a second look is no JSON", () => {
  const deep = `${"[".repeat(100_000)}9007199254740993${"]".repeat(100_000)}`;
  assertThrows(() => decodeJson(deep), SyntaxError);
});
