/**
 * Contracts: schemas that say which arguments a job's function takes. They are checked where the job is enqueued, and again
 * where it runs, since anybody may have enqueued it.
 *
 * @module
 */

import { formatPath } from "./json.ts";
import { RETRY_WISH, type RetryWish } from "./retry_wish.ts";

/**
 * A schema of any library that speaks [Standard Schema](https://standardschema.dev), such as Zod, Valibot or ArkType.
 */
export interface StandardSchema<Input = unknown, Output = unknown> {
  /** The part that all libraries share. */
  readonly "~standard": {
    /** The version of the standard. */
    readonly version: 1;
    /** The name of the library. */
    readonly vendor: string;
    /** Checks a value, and converts it. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Its types; there is no such value. */
    readonly types?:
      | { readonly input: Input; readonly output: Output }
      | undefined;
  };
}

/** What a schema says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong with a value, as a schema says it. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where in the value. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/** What a schema takes. */
export type InputOf<S> = S extends StandardSchema
  ? NonNullable<S["~standard"]["types"]>["input"]
  : never;

/** What a schema makes of it. */
export type OutputOf<S> = S extends StandardSchema
  ? NonNullable<S["~standard"]["types"]>["output"]
  : never;

/** The arguments that schemas take. */
export type InputsOf<S extends readonly StandardSchema[]> = {
  -readonly [K in keyof S]: InputOf<S[K]>;
};

/** The arguments that schemas make of them, which the function gets. */
export type OutputsOf<S extends readonly StandardSchema[]> = {
  -readonly [K in keyof S]: OutputOf<S[K]>;
};

/** One thing that is wrong with the arguments of a job. */
export interface ArgumentIssue {
  /** Where: `args[0].to`. */
  readonly path: string;
  /** What, in the words of the schema. */
  readonly message: string;
}

/** The arguments of a job are not what its schema says. It is not tried again: it would not be later, either. */
export class ArgumentsError extends TypeError {
  /** The class's name. */
  override readonly name = "ArgumentsError";
  /** All that is wrong. */
  readonly issues: readonly ArgumentIssue[];

  /** Created where a job of such a function is enqueued, and where it runs. */
  constructor(action: string, issues: readonly ArgumentIssue[]) {
    const texts = issues.map(({ path, message }) => `${path}: ${message}`);
    super(`${action}: ${texts.join("; ")}`);
    this.issues = issues;
    const value: RetryWish = { type: "never" };
    Object.defineProperty(this, RETRY_WISH, { value });
  }
}

/** Whether a value is a schema. Some libraries' are functions. */
export function isSchema(value: unknown): value is StandardSchema {
  const mayBe = typeof value === "object" || typeof value === "function";
  if (!mayBe || value === null || !("~standard" in value)) return false;
  const standard = value["~standard"] as Record<string, unknown> | null;
  return standard?.["version"] === 1 &&
    typeof standard["validate"] === "function";
}

/** The contract of one function. */
export class Contract {
  readonly #schemas: readonly StandardSchema[];
  readonly #label: string;

  /** `label` names the function in messages. */
  constructor(schemas: readonly StandardSchema[], label: string) {
    this.#schemas = schemas;
    this.#label = label;
  }

  /**
   * Checks the arguments of a job that is enqueued, as they will be read again.
   *
   * @param isStart Whether further ones follow when it runs: the results of other jobs.
   * @throws {ArgumentsError} If they are wrong.
   */
  async check(args: readonly unknown[], isStart: boolean): Promise<void> {
    const schemas = isStart
      ? this.#schemas.slice(0, args.length)
      : this.#schemas;
    await this.#parse("enqueue", args, schemas);
  }

  /**
   * Checks and converts the arguments of a call.
   *
   * @throws {ArgumentsError} If they are wrong.
   */
  parse(args: readonly unknown[]): Promise<unknown[]> {
    return this.#parse("run", args, this.#schemas);
  }

  async #parse(
    action: string,
    args: readonly unknown[],
    schemas: readonly StandardSchema[],
  ): Promise<unknown[]> {
    const issues: ArgumentIssue[] = [];
    const values: unknown[] = [];
    for (const [i, schema] of schemas.entries()) {
      const result = await schema["~standard"].validate(args[i]);
      if (result.issues === undefined) values.push(result.value);
      else issues.push(...result.issues.map((issue) => issueOf(i, issue)));
    }
    if (args.length > this.#schemas.length) {
      const most = this.#schemas.length;
      const message = `there are ${args.length}, expected at most ${most}`;
      issues.push({ path: "args", message });
    }
    if (issues.length === 0) return values;
    throw new ArgumentsError(`Cannot ${action} ${this.#label}`, issues);
  }
}

function issueOf(
  index: number,
  { message, path = [] }: SchemaIssue,
): ArgumentIssue {
  // Not path.map(): ArkType's paths are of a class whose map() makes [0] of an empty one.
  const keys = Array.from(
    path,
    (part) => typeof part === "object" ? part.key : part,
  );
  const names = keys.map((key) => typeof key === "symbol" ? String(key) : key);
  return { path: formatPath(`args[${index}]`, names), message };
}
