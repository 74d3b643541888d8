/** The completions, in the shells themselves. */

import { assertEquals, assertMatch } from "@std/assert";
import { completionsFor } from "../../lib/cli/completions.ts";
import { loadCommands, type LoadedCommand } from "../../lib/cli/commands.ts";
import { testUnless } from "../support/skip.ts";
import { isInstalled, NO_TMUX, Terminal } from "../support/tmux.ts";
import { run } from "./support.ts";

const COMMANDS: readonly LoadedCommand[] = [
  {
    name: "worker",
    summary: "run jobs",
    flags: [
      { name: "burst", short: "b", help: "leave once it's empty [b]: now" },
      {
        name: "way",
        short: "ds",
        value: "WAY",
        choices: ["x1", "x2"],
        help: "h",
      },
      { name: "config", short: "c", value: "M", help: "", ofRq: true },
    ],
  },
  { name: "empty", summary: "delete 'em: all", flags: [] },
  {
    name: "job list",
    summary: "list jobs",
    flags: [{
      name: "status",
      value: "S",
      choices: ["ok", "failed"],
      help: "",
    }],
  },
  { name: "job show", summary: "show a job", flags: [] },
];

/** What is typed, and what is offered. */
const CASES: readonly (readonly [typed: string, offered: readonly string[]])[] =
  [
    ["", ["worker", "empty", "job"]],
    ["em", ["empty"]],
    ["job ", ["list", "show"]],
    ["job s", ["show"]],
    ["job list --", ["--status"]],
    ["job list --status ", ["ok", "failed"]],
    ["worker --b", ["--burst"]],
    ["--b", ["--burst"]],
    ["low --b", ["--burst"]],
    ["worker --way x", ["x1", "x2"]],
    ["worker --conf", []],
  ];

async function output(command: string, args: string[]): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { TERM: "dumb" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  const errors = new TextDecoder().decode(stderr);
  if (!success || errors !== "") throw new Error(`${text}\n${errors}`);
  return text.split("\n").map((line) => line.trim()).filter((line) => line);
}

/** What a shell offers for a command line. */
const OFFERS: Readonly<
  Record<
    "bash" | "fish",
    (file: string, typed: string) => Promise<string[]>
  >
> = {
  async bash(file, typed) {
    const words = typed.split(" ").map((word) => `'${word}'`).join(" ");
    return await output("bash", [
      "-c",
      `source ${file}
      COMP_WORDS=(rq-worker ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _rq_worker; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ]);
  },
  async fish(file, typed) {
    const lines = await output("fish", [
      "-c",
      `source ${file}; complete -C 'rq-worker ${typed}'`,
    ]);
    return lines.map((line) => line.split("\t")[0]!);
  },
};

for (const shell of ["bash", "fish"] as const) {
  testUnless(
    isInstalled(shell) ? undefined : `there is no ${shell}`,
    `${shell} completes commands, flags and values`,
    async () => {
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, completionsFor(shell, COMMANDS));
      for (const [typed, offered] of CASES) {
        assertEquals(
          (await OFFERS[shell](file, typed)).sort(),
          [...offered].sort(),
          `${shell}: ${typed}`,
        );
      }
      await Deno.remove(file);
    },
  );
}

testUnless(
  NO_TMUX ?? (isInstalled("zsh") ? undefined : "there is no zsh"),
  "zsh completes commands, flags and values, and says what they mean",
  async () => {
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, completionsFor("zsh", COMMANDS));
    await using zsh = await Terminal.start(["zsh", "-f", "-i"], {
      PROMPT: "> ",
    });
    const load = `autoload -Uz compinit; compinit -u -D; source ${file}`;
    await zsh.type(`PROMPT='> '; ${load}; clear; echo READY`, "Enter");
    await zsh.shows(/^READY\n> *$/m);
    for (
      const [typed, shown] of [
        ["job ", /list +-- list jobs\nshow +-- show a job/],
        ["em", /> rq-worker empty/],
        ["worker --b", /> rq-worker worker --burst/],
        ["--b", /> rq-worker --burst/],
        ["job list --st", /> rq-worker job list --status=/],
        ["job list --status o", /> rq-worker job list --status ok/],
        ["worker -", /leave once it's empty \[b\]: now/],
      ] as const
    ) {
      await zsh.type(`rq-worker ${typed}`, "Tab");
      await zsh.shows(shown);
      await zsh.type("C-c");
      await zsh.type("clear; echo READY", "Enter");
      await zsh.shows(/^READY\n> *$/m);
    }
    await Deno.remove(file);
  },
);

for (const shell of ["bash", "zsh", "fish"] as const) {
  testUnless(
    isInstalled(shell) ? undefined : `there is no ${shell}`,
    `the completions of the program itself are taken by ${shell}`,
    async () => {
      const { code, stdout } = await run(["completions", shell]);
      assertEquals(code, 0);
      assertEquals(stdout, completionsFor(shell, await loadCommands()));
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, stdout);
      await output(shell, ["-n", file]);
      await Deno.remove(file);
    },
  );
}

Deno.test("completions for another shell are a mistake", async () => {
  const { code, stderr } = await run(["completions", "fis"]);
  assertEquals(code, 2);
  assertMatch(stderr, /shell "fis": .* did you mean fish\?/);
});
