/** The stand-in of `@std/cli/parse-args`, and the package itself where it can be loaded. */

import { assertEquals, assertThrows } from "@std/assert";
import { parseArgs as imported } from "@std/cli/parse-args";
import { parseArgs, type ParseOptions } from "../../.ci/npm/std_cli.ts";

interface Case {
  readonly args: string;
  readonly options?: ParseOptions;
  readonly expected: Record<string, unknown>;
}

const CASES: readonly Case[] = [
  { args: "a b 1", expected: { _: ["a", "b", 1] } },
  { args: "--a b --c=d --e", expected: { _: [], a: "b", c: "d", e: true } },
  { args: "-abc", expected: { _: [], a: true, b: true, c: true } },
  { args: "-n5 -m=6 -o 7", expected: { _: [], n: 5, m: 6, o: 7 } },
  { args: "-p/tmp/x", expected: { _: [], p: "/tmp/x" } },
  { args: "- --", expected: { _: ["-"] } },
  { args: "--a -- --b", expected: { _: ["--b"], a: true } },
  {
    args: "--a -- --b",
    options: { "--": true },
    expected: { _: [], a: true, "--": ["--b"] },
  },
  {
    args: "--a b c --d",
    options: { boolean: "a", stopEarly: true },
    expected: { _: ["b", "c", "--d"], a: true },
  },
  {
    args: "--a b",
    options: { boolean: true },
    expected: { _: ["b"], a: true },
  },
  {
    args: "--a false --b=false",
    options: { boolean: ["a", "b", "c"] },
    expected: { _: [], a: false, b: false, c: false },
  },
  {
    args: "--a 1 --b",
    options: { string: ["a", "b", "c"] },
    expected: { _: [], a: "1", b: "" },
  },
  {
    args: "--a 1 --a 2 --b 3",
    options: { collect: ["a", "c"], string: ["a", "c"] },
    expected: { _: [], a: ["1", "2"], b: 3, c: [] },
  },
  {
    args: "-q x",
    options: { alias: { queue: "q" }, string: "queue" },
    expected: { _: [], q: "x", queue: "x" },
  },
  {
    args: "-b x",
    options: { alias: { burst: ["b", "u"] }, boolean: "burst" },
    expected: { _: ["x"], b: true, burst: true, u: true },
  },
  {
    args: "--no-color --no-other",
    options: { boolean: "color", negatable: "color" },
    expected: { _: [], color: false, "no-other": true },
  },
  {
    args: "--a.b 1 --a.c=2",
    options: { default: { "a.d": 3, e: "f" } },
    expected: { _: [], a: { b: 1, c: 2, d: 3 }, e: "f" },
  },
  { args: "--__proto__.x=1", expected: { _: [] } },
];

for (
  const [from, parse] of [["the stand-in", parseArgs], [
    "@std/cli",
    imported,
  ]] as const
) {
  for (const { args, options = {}, expected } of CASES) {
    const given = JSON.stringify(options);
    Deno.test(`parseArgs() of ${from} reads "${args}" with ${given}`, () => {
      const read = parse as unknown as typeof parseArgs;
      assertEquals<unknown>(read(args.split(" "), options), expected);
    });
  }

  Deno.test(`parseArgs() of ${from} asks about what is unknown`, () => {
    const asked: unknown[] = [];
    const read = parse as unknown as typeof parseArgs;
    const result = read(["--a", "1", "b", "-c"], {
      string: "a",
      unknown: (...question) => {
        asked.push(question);
        return false;
      },
    });
    assertEquals<unknown>(result, { _: [], a: "1" });
    assertEquals(asked, [["b"], ["-c", "c", true]]);
  });

  Deno.test(`parseArgs() of ${from} refuses an alias without a name`, () => {
    const read = parse as unknown as typeof parseArgs;
    const alias = { a: undefined } as unknown as Record<string, string>;
    assertThrows(() => read([], { alias }), TypeError);
  });
}
