/** Keeping others from taking the processor away from the server. */

import type { Probe } from "./probe.ts";

/** Arguments of util-linux's `chrt`. */
const REAL_TIME = ["--fifo", "--pid", "1"];
const ORDINARY = ["--other", "--pid", "0"];

/**
 * Lets the server run before all ordinary processes until it is disposed of: what a script
 * takes is then its own time, not also that of those who share its core. Has no effect where
 * that is not permitted, or there is no `chrt`.
 */
export async function undisturbed(probe: Probe): Promise<AsyncDisposable> {
  await schedule(probe, REAL_TIME);
  return {
    [Symbol.asyncDispose]: async () => {
      await schedule(probe, ORDINARY);
    },
  };
}

/** Whether {@linkcode undisturbed} has an effect. */
export async function canBeUndisturbed(probe: Probe): Promise<boolean> {
  const permitted = await schedule(probe, REAL_TIME);
  await schedule(probe, ORDINARY);
  return permitted;
}

async function schedule(
  probe: Probe,
  policy: readonly string[],
): Promise<boolean> {
  const server = await probe.info("server");
  const pid = server.get("process_id") ?? "";
  try {
    const chrt = new Deno.Command("chrt", {
      args: [...policy, pid],
      stdout: "null",
      stderr: "null",
    });
    const { success } = await chrt.output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
