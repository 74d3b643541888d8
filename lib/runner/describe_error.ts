/**
 * Describes whatever a job threw, for the log and for storage.
 *
 * @module
 */

import {
  execPattern,
  indexOfText,
  ObjectPrototype,
  prototypeOf,
  sliceText,
} from "../base/primordials.ts";
import { retryWishOf } from "../job/retry_wish.ts";
import type { FailureMessage } from "./protocol.ts";
import type { FailureReason } from "./runner.ts";

const { inspect } = Deno;

/** The longest stored text of an error, in UTF-16 code units. */
const MAX_TEXT = 256 * 1024;
const MAX_LINE = 1_000;
/** The most classes of an error whose names are told. */
const MAX_CLASSES = 10;

/** The folder of our own modules, whose lines are removed from stacks. */
const OWN_MODULES = new URL("./", import.meta.url).href;
// deno-lint-ignore no-control-regex -- matching the escape character is the purpose
const ANSI = /\x1b\[[0-9;]*m/;
/** Deno's advice on a missing permission. */
const RUN_AGAIN = /run again with the --allow-([a-z]+) flag/;
const STACK_LINE = /^\s+at /;

/** Removes the colours that Deno puts into some messages. */
export function stripColors(text: string): string {
  let plain = "";
  for (;;) {
    const found = execPattern(ANSI, text);
    if (found === null) return plain + text;
    plain += sliceText(text, 0, found.index);
    text = sliceText(text, found.index + found[0].length);
  }
}

/** Describes any thrown value. Never throws. */
export function describeThrown(
  reason: FailureReason,
  thrown: unknown,
): FailureMessage {
  let excInfo: string;
  let message: string;
  try {
    excInfo = textOf(thrown);
    message = headOf(thrown) ?? firstLine(excInfo);
  } catch {
    message =
      excInfo =
        "The job threw a value that cannot be converted to text";
  }
  return {
    reason,
    message: firstLine(withOurFlags(message)),
    excInfo: cut(withOurFlags(excInfo)),
    errorNames: namesOf(thrown),
  };
}

/** Describes what a job's function threw, or the `Retry` that it returned. Never throws. */
export function describeJobError(thrown: unknown): FailureMessage {
  const retry = retryWishOf(thrown);
  const described = describeThrown("error", errorOf(thrown));
  return retry === undefined ? described : { ...described, retry };
}

/** What a job has thrown, or what led it to throw `DoNotRetry`. Never throws. */
export function errorOf(thrown: unknown): unknown {
  return retryWishOf(thrown)?.type === "never"
    ? causeOf(thrown) ?? thrown
    : thrown;
}

function causeOf(error: unknown): unknown {
  try {
    return (error as Error).cause;
  } catch {
    return undefined;
  }
}

/** The names of an error and of its classes, separated by line breaks. Never throws. */
function namesOf(thrown: unknown): string {
  if (!isError(thrown)) return "";
  try {
    let names = `${thrown.name}`;
    let prototype = prototypeOf(thrown) as Error | null;
    for (let i = 0; i < MAX_CLASSES && prototype !== null; i++) {
      if (prototype === ObjectPrototype) break;
      names += `\n${prototype.constructor.name}`;
      prototype = prototypeOf(prototype) as Error | null;
    }
    return sliceText(names, 0, MAX_LINE);
  } catch {
    return "";
  }
}

/** Where Deno advises its flag for a missing permission, adds the worker's flag: users do not start the job's Deno. */
function withOurFlags(text: string): string {
  let ours = "";
  for (;;) {
    const found = execPattern(RUN_AGAIN, text);
    if (found === null) return ours + text;
    ours += sliceText(text, 0, found.index);
    ours += `start the worker with --job-allow-${found[1]}`;
    text = sliceText(text, found.index + found[0].length);
  }
}

/** Describes an error that our code threw: by its cause, since its own stack says nothing about the job. */
export function describeOwn(
  reason: FailureReason,
  error: unknown,
): FailureMessage {
  if (!isError(error)) return describeThrown(reason, error);
  return describeFailure(reason, error.name, error.message, error.cause);
}

/** Describes a failure that has a text but no stack. */
export function describeFailure(
  reason: FailureReason,
  name: string,
  text: string,
  cause?: unknown,
): FailureMessage {
  const head = `${name}: ${text}`;
  if (cause === undefined) return { reason, message: head, excInfo: head };
  const inner = describeThrown(reason, cause);
  return {
    reason,
    message: firstLine(`${head}: ${inner.message}`),
    excInfo: cut(`${head}\n\nCaused by: ${inner.excInfo}`),
  };
}

function textOf(thrown: unknown): string {
  if (!isError(thrown)) return `The job threw ${show(thrown)}`;
  try {
    return trim(show(thrown));
  } catch {
    // Its stack, or its own inspect function, threw.
    return headOf(thrown) ??
      "The job threw an error that cannot be converted to text";
  }
}

function headOf(thrown: unknown): string | undefined {
  if (!isError(thrown)) return undefined;
  try {
    const name = String(thrown.name || "Error");
    const message = String(thrown.message);
    return stripColors(message === "" ? name : `${name}: ${message}`);
  } catch {
    return undefined;
  }
}

function isError(value: unknown): value is Error {
  return value instanceof Error;
}

function show(value: unknown): string {
  return inspect(value, {
    colors: false,
    depth: 6,
    strAbbreviateSize: MAX_TEXT,
  });
}

/** Removes our own lines from stacks, but keeps a brace at the end of such a line. */
function trim(text: string): string {
  const all = stripColors(text);
  let kept = "";
  for (let from = 0; from <= all.length;) {
    const end = indexOfText(all, "\n", from);
    const to = end < 0 ? all.length : end;
    const line = sliceText(all, from, to);
    if (!isOwn(line)) kept += from === 0 ? line : `\n${line}`;
    else if (sliceText(line, -2) === " {") kept += " {";
    from = to + 1;
  }
  return kept;
}

function isOwn(line: string): boolean {
  return execPattern(STACK_LINE, line) !== null &&
    indexOfText(line, OWN_MODULES) >= 0;
}

function firstLine(text: string): string {
  const plain = stripColors(text);
  const end = indexOfText(plain, "\n");
  const line = end < 0 ? plain : sliceText(plain, 0, end);
  return line.length > MAX_LINE ? `${sliceText(line, 0, MAX_LINE)}…` : line;
}

function cut(text: string): string {
  return text.length > MAX_TEXT
    ? `${sliceText(text, 0, MAX_TEXT)}\n… (${text.length - MAX_TEXT} more)`
    : text;
}
