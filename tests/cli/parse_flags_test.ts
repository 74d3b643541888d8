import { assertEquals, assertThrows } from "@std/assert";
import { type Flag, parseFlags, UsageError } from "../../lib/cli/flags.ts";

const FLAGS: readonly Flag[] = [
  { name: "burst", short: "b", help: "" },
  { name: "verbose", short: "v", help: "" },
  { name: "no-logs", help: "" },
  { name: "queue", short: "q", value: "NAME", help: "" },
  { name: "tag", value: "TAG", repeatable: true, help: "" },
  { name: "dequeue-strategy", short: "ds", value: "WAY", help: "" },
  { name: "deno-arg", value: "FLAG", takesFlags: true, help: "" },
];

interface Read {
  readonly args: string;
  readonly switches?: readonly string[];
  readonly values?: Readonly<Record<string, readonly string[]>>;
  readonly rest?: readonly string[];
}

const READ: readonly Read[] = [
  { args: "a 7 007 1e3 -", rest: ["a", "7", "007", "1e3", "-"] },
  { args: "--burst true a", switches: ["burst"], rest: ["true", "a"] },
  { args: "-bv a", switches: ["burst", "verbose"], rest: ["a"] },
  { args: "--no-logs true", switches: ["no-logs"], rest: ["true"] },
  { args: "-b -- -v --x", switches: ["burst"], rest: ["-v", "--x"] },
  { args: "--queue low a", values: { queue: ["low"] }, rest: ["a"] },
  { args: "--queue=a=b", values: { queue: ["a=b"] } },
  { args: "-q low", values: { queue: ["low"] } },
  { args: "-qlow", values: { queue: ["low"] } },
  { args: "-q=low", values: { queue: ["low"] } },
  { args: "-bqlow", switches: ["burst"], values: { queue: ["low"] } },
  { args: "--queue -1", values: { queue: ["-1"] } },
  { args: "--tag a --tag b", values: { tag: ["a", "b"] } },
  { args: "-ds random", values: { "dequeue-strategy": ["random"] } },
  { args: "--dequeue_strategy=a_b", values: { "dequeue-strategy": ["a_b"] } },
  { args: "--deno-arg --x=y", values: { "deno-arg": ["--x=y"] } },
];

Deno.test.each(READ)("parseFlags() reads $args", (expected) => {
  const { args, switches = [], values = {}, rest = [] } = expected;
  const read = parseFlags(args.split(" "), FLAGS);
  assertEquals([...read.switches], switches);
  assertEquals(Object.fromEntries(read.values), values);
  assertEquals(read.positional, rest);
});

Deno.test.each([
  ["--brst", "Unknown flag --brst; did you mean --burst?"],
  ["--logs", "Unknown flag --logs"],
  ["--no-burst", "Unknown flag --no-burst; did you mean --burst?"],
  ["-x", "Unknown flag -x"],
  ["-bx", "Unknown flag -x"],
  ["--queue", "--queue needs a value"],
  ["--queue=", "--queue needs a value"],
  ["--queue --burst", "--queue needs a value"],
  ["-q a -q b", "--queue was given more than once"],
  ["--burst=no", "--burst takes no value"],
  ["--job-allow-net", "Unknown flag --job-allow-net"],
])("parseFlags() refuses %s", (args, says) => {
  const error = assertThrows(
    () => parseFlags(args.split(" "), FLAGS),
    UsageError,
  );
  assertEquals(error.message, says);
});

Deno.test("parseFlags() reads Deno's permission flags only if it is told so", () => {
  const args = ["--job-allow-net=a,b", "--job-allow-none"];
  const { jobPermissions } = parseFlags(args, FLAGS, { jobPermissions: true });
  assertEquals(jobPermissions, ["--allow-net=a,b", "--allow-none"]);
  assertEquals(parseFlags([], FLAGS).jobPermissions, undefined);
});
