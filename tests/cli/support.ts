import { type Ended, WorkerProcess } from "../e2e/support.ts";

/** Runs the program, as a user types it, until it ends. */
export async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  await using program = new WorkerProcess(args, { env });
  return await program.ended();
}
