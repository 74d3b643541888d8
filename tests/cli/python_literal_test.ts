import { assertEquals, assertThrows } from "@std/assert";
import { parsePythonLiteral } from "../../lib/cli/python_literal.ts";
import { findPythonRq } from "../support/python.ts";
import { testUnless } from "../support/skip.ts";

/** Literals that JSON can hold. */
const LITERALS: readonly string[] = [
  "None",
  " True ",
  "False",
  "0",
  "-17",
  "+3",
  "1_000",
  "0xfF",
  "0o17",
  "0b101",
  "00",
  "9007199254740993",
  "-170141183460469231731687303715884105728",
  "1.5",
  ".5",
  "1.",
  "1e3",
  "-2.5E-3",
  "- 1",
  "'it''s'",
  `"it's"`,
  "'''a\nb'''",
  `"""a"b"""`,
  "'a' \"b\"",
  "r'\\n\\''",
  "u'x'",
  "'\\n\\t\\\\\\'\\x41\\u00e9\\U0001F600\\101\\0\\q'",
  "'größer 😀'",
  "()",
  "(1,)",
  "(1)",
  "(1, 2,)",
  "[]",
  "[1, [2, (3,)], ]",
  "{}",
  "{'a': 1, \"b\": [None]}",
  "{1: 'one', 'x': {}}",
  "{None: 1, True: 2}",
  "[ 1\n, 2 ]",
  "'a\\\nb'",
];

/** What Python refuses, or JSON. */
const REFUSED: readonly string[] = [
  "",
  "x",
  "None1",
  "1 2",
  "[1 2]",
  "[,]",
  "(,)",
  "[1,,2]",
  "[1",
  "'a",
  "'a\nb'",
  "'\\xg0'",
  "'\\U00110000'",
  "017",
  "1__0",
  "0x",
  "1e",
  "1.2.3",
  "-",
  "1j",
  "b'x'",
  "{1, 2}",
  "{'a': }",
  "{'a' 1}",
  "{(1, 2): 3}",
  "f'x'",
  "print(1)",
  "1 + 1",
  "--1",
  "1e400",
];

Deno.test("parsePythonLiteral() keeps integers that a number cannot hold", () => {
  assertEquals(parsePythonLiteral("9007199254740993"), 9007199254740993n);
  assertEquals(parsePythonLiteral("9007199254740991"), 9007199254740991);
});

Deno.test("parsePythonLiteral() refuses more brackets than Python takes", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assertEquals(JSON.stringify(parsePythonLiteral(nested(200))), nested(200));
  for (const depth of [201, 100_000]) {
    assertThrows(() => parsePythonLiteral(nested(depth)), SyntaxError);
  }
});

Deno.test.each(REFUSED.map((text) => [text] as const))(
  "parsePythonLiteral() refuses %j",
  (text) => {
    assertThrows(() => parsePythonLiteral(text), SyntaxError, "at character");
  },
);

const found = await findPythonRq({
  variables: ["RQ_PYTHON"],
  accepts: () => true,
});

testUnless(
  "reason" in found ? found.reason : undefined,
  "parsePythonLiteral() reads what Python reads",
  async () => {
    if (!("python" in found)) throw new Error("unreachable");
    const program = "import ast, json, sys\n" +
      "print(json.dumps([json.dumps(ast.literal_eval(t.strip())) for t in json.loads(sys.argv[1])]))";
    const { stdout, stderr } = await new Deno.Command(found.python, {
      args: ["-c", program, JSON.stringify(LITERALS)],
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    const expected = JSON.parse(new TextDecoder().decode(stdout)) as string[];
    for (const [i, text] of LITERALS.entries()) {
      const exact = (_: string, value: unknown, context?: { source: string }) =>
        typeof value === "number" && !Number.isSafeInteger(value) &&
          Number.isInteger(value)
          ? BigInt(context!.source)
          : value;
      const read = JSON.parse as (
        text: string,
        reviver: typeof exact,
      ) => unknown;
      assertEquals(parsePythonLiteral(text), read(expected[i]!, exact), text);
    }
  },
);
