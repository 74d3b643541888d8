/**
 * The outcomes of jobs that end without an answer, in RQ's words where it has some.
 *
 * @module
 */

import { describeOwn } from "./describe_error.ts";
import type {
  FailureOutcome,
  FailureReason,
  Outcome,
  ProcessFacts,
} from "./runner.ts";

const OUT_OF_MEMORY =
  /Fatal JavaScript (invalid size error|out of memory)|heap limit|Reached heap limit|memory allocation of \d+ bytes failed/;

/** The job exceeded its time limit, whatever it answered then. */
export function timeoutOutcome(
  seconds: number,
  answer: Outcome | undefined,
): FailureOutcome {
  const message = timeoutMessage(seconds);
  const head = `JobTimeoutException: ${message}`;
  return {
    type: "failure",
    reason: "timeout",
    message,
    excInfo: answer?.type === "failure"
      ? `${head}\n\nThe job then ended with: ${answer.excInfo}`
      : head,
  };
}

/** RQ's message. */
export function timeoutMessage(seconds: number): string {
  return `Task exceeded maximum timeout value (${seconds} seconds)`;
}

/** The module could not be found, or must not be loaded. */
export function unresolvedOutcome(error: unknown): FailureOutcome {
  const isMissing = error instanceof Deno.errors.NotFound;
  const reason = isMissing ? "missing" : "load";
  return { type: "failure", ...describeOwn(reason, error) };
}

/** The subprocess was killed because it sent an invalid message. */
export function brokenOutcome(fault: string): FailureOutcome {
  return withTail("crash", undefined, `Work-horse killed: ${fault}`, "");
}

/** The memory limit of a subprocess, and whether it was exceeded. */
export interface MemoryState {
  /** The limit in bytes. */
  readonly limit: number;
  /** Whether the subprocess was killed for exceeding it. */
  readonly isExceeded: boolean;
}

/** How a process has ended. */
export function exitFacts({ code, signal }: Deno.CommandStatus): ProcessFacts {
  return signal === null ? { exitCode: code } : { signal };
}

function inMb(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024 * 10) / 10} MB`;
}

/** The subprocess ended without an answer. */
export function endedOutcome(
  status: Deno.CommandStatus,
  options: {
    readonly exitCalled: boolean;
    readonly stderrTail: string;
    /** The state of its memory, if that was limited. */
    readonly memory: MemoryState | undefined;
  },
): FailureOutcome {
  const { memory, stderrTail } = options;
  const isOutOfMemory = OUT_OF_MEMORY.test(stderrTail) &&
    (status.signal !== null || status.code >= 128);
  if (memory?.isExceeded || memory && isOutOfMemory) {
    const text = `The job exceeded the memory limit of ${inMb(memory.limit)}`;
    return withTail("memory", "MemoryLimitError", text, stderrTail);
  }
  if (isOutOfMemory) {
    const line = stderrTail.split("\n").find((l) => OUT_OF_MEMORY.test(l));
    const text = line?.replace(/^[#\s]*/, "") ?? "";
    return withTail("memory", "OutOfMemoryError", text, stderrTail);
  }
  if (options.exitCalled && status.signal === null) {
    const text = `Job called Deno.exit(${status.code})`;
    return withTail("exit", undefined, text, stderrTail);
  }
  const how = status.signal === null
    ? `exit code ${status.code}`
    : `signal ${status.signal}`;
  const text = `Work-horse terminated unexpectedly; ${how}`;
  return withTail("crash", undefined, text, stderrTail);
}

/** A failure with a one-line text, followed by the end of stderr. */
export function withTail(
  reason: FailureReason,
  name: string | undefined,
  text: string,
  tail: string,
): FailureOutcome {
  const message = name === undefined ? text : `${name}: ${text}`;
  const last = tail.split("\n").slice(-20).join("\n");
  const excInfo = last === "" ? message : `${message}\n\n${last}`;
  return { type: "failure", reason, message, excInfo };
}
