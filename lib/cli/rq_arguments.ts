/**
 * Reads the arguments of a job on the command line, in RQ's syntax: `text`, `:json`, `%python`, each also with a keyword:
 * `key=text`, `key:=json`, `key%=python`. A value that begins with `@` is read from a file.
 *
 * @module
 */

import { decodeJson } from "../job/json.ts";
import { UsageError } from "./flags.ts";
import { parsePythonLiteral } from "./python_literal.ts";

/** The arguments of a call. */
export interface CallArguments {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

interface Argument {
  readonly keyword?: string;
  readonly mode: "text" | "json" | "python";
  readonly value: string;
}

/**
 * The arguments of a call.
 *
 * @throws {UsageError} It says which one cannot be read.
 */
export async function parseCallArguments(
  texts: readonly string[],
): Promise<CallArguments> {
  const args: unknown[] = [];
  const kwargs = new Map<string, unknown>();
  for (const text of texts) {
    const argument = split(text);
    const { keyword } = argument;
    const label = keyword ?? `${args.length + 1}. non keyword argument`;
    const value = await valueOf(argument, label);
    if (keyword === undefined) args.push(value);
    else if (kwargs.has(keyword)) {
      throw new UsageError(`Argument "${keyword}" was given more than once`);
    } else kwargs.set(keyword, value);
  }
  return { args, kwargs: Object.fromEntries(kwargs) };
}

function split(text: string): Argument {
  if (text.startsWith(":")) return { mode: "json", value: text.slice(1) };
  if (text.startsWith("%")) return { mode: "python", value: text.slice(1) };
  const at = text.indexOf("=");
  if (at < 1) return { mode: "text", value: text };
  const keyword = text.slice(0, at);
  const value = text.slice(at + 1);
  // As in RQ: only the first of these signs counts, and only directly before "=".
  if (keyword.indexOf(":") === at - 1) {
    return { keyword: keyword.slice(0, -1), mode: "json", value };
  }
  if (keyword.indexOf("%") === at - 1) {
    return { keyword: keyword.slice(0, -1), mode: "python", value };
  }
  return { keyword, mode: "text", value };
}

async function valueOf(
  { mode, value }: Argument,
  label: string,
): Promise<unknown> {
  const text = value.startsWith("@") ? await fileText(value.slice(1)) : value;
  if (mode === "text") return text;
  try {
    return mode === "json" ? decodeJson(text) : parsePythonLiteral(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const kind = mode === "json" ? "JSON" : "a literal of Python";
    throw new UsageError(
      `Cannot read ${label} as ${kind}: ${cause.message}`,
      { cause },
    );
  }
}

async function fileText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`Cannot read file ${path}: ${why}`, { cause });
  }
}
