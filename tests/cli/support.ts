import { runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";
import { Terminal } from "../support/tmux.ts";
import { type Ended, WorkerProcess } from "../e2e/support.ts";

/** Runs the program, as a user types it, until it ends. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  await using program = new WorkerProcess(args, { env });
  return await program.ended();
}

/** The program on a terminal; what it ends with is printed behind it. */
export function onTerminal(...args: string[]): Promise<Terminal> {
  const program = [
    ...[Deno.execPath(), "run", "-A", "--quiet", "--no-lock", "--config"],
    ...[`${ROOT}/deno.json`, ...runFlags(), `${ROOT}/worker.ts`, ...args],
  ];
  const quoted = program.map((word) => `'${word}'`).join(" ");
  return Terminal.start(["sh", "-c", `${quoted}; echo "ended with $?"; cat`], {
    DENO_NO_UPDATE_CHECK: "1",
  });
}
