/**
 * The command `help`.
 *
 * @module
 */

import { type Command, defineCommand } from "../command.ts";
import { COMMAND_LIST, findCommand } from "../commands.ts";
import { UsageError } from "../flags.ts";
import { usageOf, usageOfAll } from "../usage.ts";

/** Shows what `--help` shows. Without it, the word would be a queue of a worker. */
export const command: Command = defineCommand({
  args: "[COMMAND]",
  async run({ args, out }) {
    if (args.length === 0) return await out.lines(usageOfAll(COMMAND_LIST));
    const found = findCommand([...args, "--help"]);
    if ("help" in found) return await out.lines(found.help);
    if (!found.isNamed) {
      throw new UsageError(`Unknown command "${args.join(" ")}"`);
    }
    await out.lines(usageOf(found, (await found.load()).command));
  },
});
