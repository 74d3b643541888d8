/** The command `completions`. @module */

import { checkChoice } from "../../base/options.ts";
import { type Command, defineCommand } from "../command.ts";
import { loadCommands } from "../commands.ts";
import { completionsFor, SHELLS } from "../completions.ts";
import { fromFlags, UsageError } from "../flags.ts";

/** Prints what makes a shell complete this program. */
export const command: Command = defineCommand({
  args: "bash|zsh|fish",
  about: [
    "For bash, in ~/.bashrc: source <(rq-worker completions bash)",
    "For zsh: rq-worker completions zsh > ~/.zfunc/_rq-worker, a folder of $fpath",
    "For fish: rq-worker completions fish > ~/.config/fish/completions/rq-worker.fish",
  ],
  async run({ args: [name], out }) {
    if (name === undefined) {
      throw new UsageError("It needs the name of a shell");
    }
    const shell = fromFlags(() => checkChoice("shell", name, SHELLS));
    await out.lines(completionsFor(shell, await loadCommands()).trimEnd());
  },
});
