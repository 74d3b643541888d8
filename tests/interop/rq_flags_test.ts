/** Every flag of RQ's own commands is accepted here, under the same name and short form. */

import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "node:path";
import { findCommand } from "../../lib/cli/commands.ts";
import { parseFlags } from "../../lib/cli/flags.ts";
import { findPythonRq } from "../support/python.ts";
import { testUnless } from "../support/skip.ts";

const found = await findPythonRq({
  variables: ["RQ_PYTHON"],
  accepts: (version) => Number(version.split(".")[0]) >= 3,
});
const reason = "reason" in found ? found.reason : undefined;

interface RqFlag {
  readonly spellings: readonly string[];
  readonly hasValue: boolean;
}

/** The indented words at the beginning of lines of a help text of RQ. */
async function helpOf(python: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await new Deno.Command(join(dirname(python), "rq"), {
    args: [...args, "--help"],
    env: { COLUMNS: "200" },
  }).output();
  return new TextDecoder().decode(stdout).split("\n");
}

async function commandsOfRq(python: string): Promise<string[]> {
  const lines = await helpOf(python);
  return lines.slice(lines.indexOf("Commands:"))
    .flatMap((line) => /^ {2}(\S+)/.exec(line)?.[1] ?? []);
}

async function flagsOfRq(python: string, command: string): Promise<RqFlag[]> {
  const lines = await helpOf(python, command);
  return lines.flatMap((line) => {
    const option = /^ {2}(-[\w-]+(?:, -[\w-]+)*)( (?:[A-Z]+|\[.*\]))?( |$)/
      .exec(line);
    return option
      ? [{
        spellings: option[1]!.split(", "),
        hasValue: option[2] !== undefined,
      }]
      : [];
  });
}

testUnless(
  reason,
  "each flag of each command of RQ is taken, and means the same in each spelling",
  async () => {
    if (!("python" in found)) throw new Error("unreachable");
    const commands = await commandsOfRq(found.python);
    assert(commands.length >= 9, `found ${commands.length} commands only`);
    const missing = commands.filter((name) => {
      const called = findCommand([name]);
      return !("isNamed" in called && called.isNamed);
    });
    assertEquals(missing, []);
    for (const name of commands) {
      await checkCommand(name, await flagsOfRq(found.python, name));
    }
  },
);

async function checkCommand(
  name: string,
  flags: readonly RqFlag[],
): Promise<void> {
  assert(flags.length >= 9, `found ${flags.length} flags of ${name} only`);
  const called = findCommand([name]);
  if (!("load" in called)) throw new Error(`${name} is no command`);
  const { command } = await called.load();
  for (const { spellings, hasValue } of flags) {
    const read = spellings.map((spelling) =>
      parseFlags(
        hasValue ? [spelling, "7", "low"] : [spelling, "low"],
        command.flags,
      )
    );
    for (const parsed of read) {
      const what = `${name} ${spellings.join()}`;
      assertEquals(parsed, read[0]);
      assertEquals(parsed.positional, ["low"], what);
      assertEquals(parsed.values.size, hasValue ? 1 : 0, what);
      assertEquals(parsed.switches.size, hasValue ? 0 : 1, what);
    }
  }
}
