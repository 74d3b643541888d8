/** Every flag of RQ's own worker is accepted here, under the same name and short form. */

import { assert, assertEquals } from "@std/assert";
import { dirname, join } from "node:path";
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

async function flagsOfRq(python: string): Promise<RqFlag[]> {
  const { stdout } = await new Deno.Command(join(dirname(python), "rq"), {
    args: ["worker", "--help"],
    env: { COLUMNS: "200" },
  }).output();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.flatMap((line) => {
    const option = /^ {2}(-[\w-]+(?:, -[\w-]+)*)( [A-Z]+)?( |$)/.exec(line);
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
  "each flag of `rq worker --help` is taken, and means the same in each spelling",
  async () => {
    if (!("python" in found)) throw new Error("unreachable");
    const flags = await flagsOfRq(found.python);
    assert(flags.length >= 26, `found ${flags.length} flags only`);
    for (const { spellings, hasValue } of flags) {
      const read = spellings.map((spelling) =>
        parseFlags(hasValue ? [spelling, "7", "low"] : [spelling, "low"])
      );
      for (const parsed of read) {
        assertEquals(parsed, read[0]);
        assertEquals(parsed.positional, ["low"]);
        assertEquals(parsed.values.size, hasValue ? 1 : 0, spellings.join());
        assertEquals(parsed.switches.size, hasValue ? 0 : 1, spellings.join());
      }
    }
  },
);
