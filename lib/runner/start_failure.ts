/**
 * Decides why a subprocess did not start: because of the machine, or because of the job's own project.
 *
 * @module
 */

import { endedOutcome, withTail } from "./outcomes.ts";
import type { FailureOutcome } from "./runner.ts";
import type { Subprocess } from "./subprocess.ts";

/** The exit codes of a shell and `setsid` if they cannot start a program. */
const UNSTARTED: ReadonlySet<number> = new Set([126, 127]);
/** Deno's exit code after a panic. */
const PANIC = 101;
/**
 * EIO, EAGAIN, ENOMEM, ENFILE, EMFILE, ENOSPC and ESTALE on Linux, and EAGAIN (35) on macOS: I/O errors, and a lack of
 * processes, memory, files or disk space.
 */
const MACHINE_ERROR = /\(os error (5|11|12|23|24|28|35|116)\)/;

/** Whether an error is the machine's, and probably temporary. */
export function isOfMachine(error: unknown): boolean {
  return error instanceof Error && MACHINE_ERROR.test(error.message);
}

/**
 * Whether the job's project may be the reason: the subprocess exited by itself, as Deno does if it refuses a
 * configuration or module, or was waiting for something.
 *
 * @param isLate Whether it was not ready within the boot timeout.
 */
export function mayBeProject(child: Subprocess, isLate: boolean): boolean {
  if (MACHINE_ERROR.test(child.stderrTail())) return false;
  const { code, signal } = child.status!;
  return isLate || (signal === null && !UNSTARTED.has(code) && code !== PANIC);
}

/** How a subprocess ended, as part of a sentence. */
export function endOf(child: Subprocess): string {
  const { signal, code } = child.status!;
  return `ended with ${signal ?? `exit code ${code}`} before it was ready`;
}

/** The failure if a subprocess could not be started. */
export function unstartedOutcome(error: unknown, what: string): FailureOutcome {
  const state = error instanceof Error ? error.message : String(error);
  return withTail("start", undefined, `${CANNOT_START}: ${what}: ${state}`, "");
}

/** The failure if a subprocess did not become ready. */
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

/** The failure if subprocesses ended repeatedly after they were given the job. */
export function diedOutcome(child: Subprocess): FailureOutcome {
  return endedOutcome(child.status!, {
    exitCalled: false,
    stderrTail: child.stderrTail(),
    memory: child.memory,
  });
}
