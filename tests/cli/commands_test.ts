/** The table of commands. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { Command } from "../../lib/cli/command.ts";
import { COMMAND_LIST, findCommand } from "../../lib/cli/commands.ts";
import { parseFlags } from "../../lib/cli/flags.ts";
import { fromFileUrl } from "../support/paths.ts";
import { run } from "./support.ts";

async function load(name: string): Promise<Command> {
  const found = findCommand(name.split(" "));
  if (!("load" in found)) throw new Error(`${name} is no command`);
  assertEquals([found.name, found.args], [name, []]);
  return (await found.load()).command;
}

Deno.test("each file in lib/cli/commands is a command in the table", () => {
  const folder = fromFileUrl(
    new URL("../../lib/cli/commands", import.meta.url),
  );
  const files = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const named = COMMAND_LIST.map(({ name }) =>
    `${name.replaceAll(/[ -]/g, "_")}.ts`
  );
  assertEquals(files.sort(), named.sort());
});

for (const { name } of COMMAND_LIST) {
  Deno.test(`no two flags of ${name} have the same name or letter`, async () => {
    const { flags } = await load(name);
    const spelled = flags.flatMap(({ name, short }) => [name, short ?? []])
      .flat();
    assertEquals(spelled.filter((a, i) => spelled.indexOf(a) !== i), []);
  });
}

for (const { name } of COMMAND_LIST) {
  Deno.test(`each flag of ${name} is read under its own name`, async () => {
    const { flags } = await load(name);
    for (const flag of flags) {
      const isSwitch = flag.value === undefined;
      const spelled = isSwitch ? [`--${flag.name}`] : [`--${flag.name}`, "7"];
      const { values, switches, positional } = parseFlags(
        [...spelled, "true"],
        flags,
      );
      assertEquals([...switches], isSwitch ? [flag.name] : []);
      assertEquals([...values], isSwitch ? [] : [[flag.name, ["7"]]]);
      assertEquals(positional, ["true"]);
    }
  });
}

Deno.test("--help lists all commands, COMMAND --help the flags of one", async () => {
  const all = await run(["--help"]);
  assertEquals([all.code, all.stderr], [0, ""]);
  for (const { name, summary } of COMMAND_LIST) {
    assertMatch(all.stdout, new RegExp(`^  ${name} +\\S`, "m"));
    assertStringIncludes(all.stdout, summary);
  }
  assertEquals((await run(["-h"])).stdout, all.stdout);
  const one = await run(["empty", "--help"]);
  assertEquals([one.code, one.stderr], [0, ""]);
  assertStringIncludes(
    one.stdout,
    "Usage: rq-worker empty [FLAGS] [QUEUES…]\n",
  );
  assertStringIncludes(one.stdout, "  -a, --all ");
  assertStringIncludes(one.stdout, "  -u, --url URL ");
});

Deno.test("help COMMAND shows what COMMAND --help shows", async () => {
  for (const words of [[], ["empty"], ["job"], ["schedule", "list"]]) {
    const { code, stdout } = await run(["help", ...words]);
    assertEquals(code, 0);
    assertEquals(stdout, (await run([...words, "--help"])).stdout);
  }
  const { code, stderr } = await run(["help", "nothing"]);
  assertEquals(code, 2);
  assertMatch(stderr, /^Unknown command "nothing"; help --help/);
});

Deno.test("what is no command is a queue of the worker", () => {
  for (const args of [[], ["low"], ["--burst", "low"], ["-u", "empty"]]) {
    const found = findCommand(args);
    assert("load" in found);
    assertEquals([found.name, found.isNamed, found.args], [
      "worker",
      false,
      args,
    ]);
  }
});

Deno.test("flags of the connection may stand before a command", () => {
  for (
    const flags of [["-u", "redis://h"], ["--url=redis://h", "--prefix", "a:"]]
  ) {
    const found = findCommand([...flags, "empty", "low"]);
    assert("load" in found);
    assertEquals([found.name, found.args], ["empty", [...flags, "low"]]);
  }
});
