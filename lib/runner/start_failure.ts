/**
 * Why a subprocess did not start: for want of something that the machine ought to have, or because of what is
 * in the job's own project.
 *
 * @module
 */

import { endedOutcome, withTail } from "./outcomes.ts";
import type { FailureOutcome } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";

/** What a shell and `setsid` end with if they cannot start a program. */
const UNSTARTED: ReadonlySet<number> = new Set([126, 127]);
/** What Deno ends with if it has a fault itself. */
const PANIC = 101;
/**
 * Input or output that fails; no processes, memory, files or space on the disk for now; a stale handle. The numbers of
 * Linux, and that of macOS for the second.
 */
const MACHINE_ERROR = /\(os error (5|11|12|23|24|28|35|116)\)/;

/** Whether an error says that the machine lacks something for now. */
export function isOfMachine(error: unknown): boolean {
  return error instanceof Error && MACHINE_ERROR.test(error.message);
}

/**
 * Whether the reason may lie in the job's project: the subprocess ended of its own accord, as Deno does if it does
 * not like what it is to load, or waited for something.
 *
 * @param isLate whether it was still not ready when its time was up
 */
export function mayBeProject(child: Subprocess, isLate: boolean): boolean {
  if (MACHINE_ERROR.test(child.stderrTail())) return false;
  const { code, signal } = child.status!;
  return isLate || (signal === null && !UNSTARTED.has(code) && code !== PANIC);
}

/** How it ended, as a part of a sentence about it. */
export function endOf(child: Subprocess): string {
  const { signal, code } = child.status!;
  return `ended with ${signal ?? `exit code ${code}`} before it was ready`;
}

/** There was none to begin with. */
export function unstartedOutcome(error: unknown, what: string): FailureOutcome {
  const state = error instanceof Error ? error.message : String(error);
  return withTail("start", undefined, `${CANNOT_START}: ${what}: ${state}`, "");
}

/** It did not become ready. */
export function unreadyOutcome(
  reason: "load" | "start",
  state: string,
  child: Subprocess,
): FailureOutcome {
  const said = child.stderrTail().split("\n\nStack backtrace:")[0]!;
  const error = /^error: (.+)$/m.exec(said)?.[1];
  if (reason === "load") {
    const text = `Cannot load the job's project: ${error ?? state}`;
    return withTail("load", "ImportError", text, said);
  }
  const why = error === undefined ? "" : `: ${error}`;
  return withTail("start", undefined, `${CANNOT_START}: ${state}${why}`, said);
}

const CANNOT_START = "Cannot start the job's subprocess";

/** It ended again and again once it had been given the job. */
export function diedOutcome(child: Subprocess): FailureOutcome {
  return endedOutcome(child.status!, {
    exitCalled: false,
    stderrTail: child.stderrTail(),
    memory: child.memory,
  });
}
