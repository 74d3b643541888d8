/**
 * What a command is. Each is a file in `commands/`, which is loaded when the command is called.
 *
 * @module
 */

import { parseDuration } from "../base/duration.ts";
import { checkChoice } from "../base/options.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import type { JobStore } from "../store/job_store.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import {
  type Flag,
  type FlagSpec,
  fromFlags,
  type ParsedFlags,
  UsageError,
} from "./flags.ts";
import type { Output } from "./output.ts";
import { checkRqFlags } from "./rq_flags.ts";

export { JSON_FLAG, YES_FLAG } from "./common_flags.ts";

/** A command of the program. */
export interface Command {
  /** What stands behind its name in the usage, such as `[QUEUES…]`; `undefined` if it takes flags only. */
  readonly args: string | undefined;
  /** Paragraphs for its help, beside the summary. */
  readonly about: readonly string[];
  /** All of its flags. */
  readonly flags: readonly Flag[];
  /** Whether Deno's permission flags may be given, with `job-` before them. */
  readonly jobPermissions?: boolean;
  /** Runs it, and returns the program's exit code. */
  run(flags: ParsedFlags): Promise<number>;
}

/** The exit code of a program that Ctrl-C has ended, as a shell tells it. */
export const INTERRUPTED = 130;

type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** The value that a command gets for a flag. */
type FlagValue<S extends FlagSpec> = S extends { value: string }
  ? S extends { repeatable: true } ? readonly string[]
  : S extends { choices: readonly (infer C)[] } ? C | undefined
  : S extends { kind: "count" | "duration" } ? number | undefined
  : string | undefined
  : boolean;

/** What a command is called with. */
export interface CommandCall<F extends FlagSpecs = FlagSpecs> {
  /** What stands behind the command's name, without flags. */
  readonly args: readonly string[];
  readonly flags: { readonly [K in keyof F]: FlagValue<F[K]> };
  /** Options for queues, jobs and the like. They share one connection, which is closed when the command has ended. */
  readonly connection: ConnectionOptions;
  /** The store on the same connection, for what the API does not offer. */
  readonly store: JobStore;
  readonly out: Output;
  /** Aborted by the first Ctrl-C, or SIGTERM, if it was ever read. Without that, or by the second, the program ends. */
  readonly signal: AbortSignal;
  /**
   * Asks before something is destroyed.
   *
   * @param yes Whether the command line says that nobody has to be asked.
   * @throws {DeclinedError} If the answer is no.
   * @throws {UsageError} If there is no terminal to ask on.
   */
  confirm(question: string, yes: boolean): Promise<void>;
}

/** How a command is declared. */
export interface CommandSpec<F extends FlagSpecs> {
  readonly args?: string;
  readonly about?: readonly string[];
  /** In camelCase: `atFront` is `--at-front`. Those of the connection, and `--help`, are added. */
  readonly flags?: F;
  /** Returns the exit code, if it is not 0. */
  run(call: CommandCall<F>): Promise<number | void>;
}

/**
 * Declares a command that is no worker.
 *
 * @example
 * ```ts ignore
 * export const command: Command = defineCommand({
 *   args: "[QUEUES…]",
 *   flags: { all: { short: "a", help: "all queues" } },
 *   async run({ args, flags, connection, out }) { … },
 * });
 * ```
 */
export function defineCommand<const F extends FlagSpecs = Record<never, never>>(
  spec: CommandSpec<F>,
): Command {
  const specs: FlagSpecs = spec.flags ?? {};
  return {
    args: spec.args,
    about: spec.about ?? [],
    flags: [...Object.entries(specs).map(flagOf), ...COMMON_FLAGS],
    async run(parsed) {
      const flags = valuesOf(specs, parsed) as CommandCall<F>["flags"];
      const args = parsed.positional;
      if (spec.args === undefined && args.length > 0) {
        throw new UsageError(`Cannot use "${args[0]}": it takes flags only`);
      }
      checkRqFlags(parsed);
      // Loaded here, since the worker is no such command.
      const { CallResources } = await import("./call_resources.ts");
      await using resources = fromFlags(() => new CallResources(parsed));
      try {
        return await spec.run(resources.callOf(args, flags)) ?? 0;
      } catch (error) {
        if (resources.wasInterrupted(error)) return INTERRUPTED;
        throw error;
      }
    },
  };
}

function flagOf([key, spec]: [string, FlagSpec]): Flag {
  const { kind: _, ...flag } = spec;
  const { choices } = flag;
  const help = choices === undefined
    ? spec.help
    : `${spec.help}: ${choices.join(", ")}`;
  return { ...flag, name: nameOf(key), help };
}

/** `atFront` is `at-front`. */
function nameOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function valuesOf(
  specs: FlagSpecs,
  { values, switches }: ParsedFlags,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(specs).map(([key, spec]) => {
      const name = nameOf(key);
      if (spec.value === undefined) return [key, switches.has(name)];
      const given = values.get(name) ?? [];
      if (spec.repeatable) return [key, given];
      const [text] = given;
      return [key, text === undefined ? undefined : valueOf(spec, text, name)];
    }),
  );
}

function valueOf(spec: FlagSpec, text: string, name: string): string | number {
  const label = `--${name}`;
  return fromFlags(() => {
    if (spec.choices !== undefined) {
      return checkChoice(label, text, spec.choices);
    }
    if (spec.kind === "duration") return parseDuration(text, label);
    return spec.kind === "count" ? countOf(text, label) : text;
  });
}

function countOf(text: string, label: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count >= 1 && Number.isSafeInteger(count)) return count;
  throw new RangeError(
    `Cannot use ${label} "${text}": expected a whole number from 1`,
  );
}
