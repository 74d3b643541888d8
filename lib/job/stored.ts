/**
 * Types: what a value becomes when it is stored as JSON.
 *
 * @module
 */

import type { PassingDependsOn } from "./dependency.ts";

/** A function that can be a job: an export of a module that the worker can import too. */
// deno-lint-ignore no-explicit-any -- a function with any arguments and any result
export type JobFunction = (...args: any[]) => any;

/** What JSON cannot hold: storing a value of this type is refused. */
export interface NotJson<T> {
  /** The type that is refused. */
  readonly "is not JSON": T;
}

/** An argument that would arrive as another type than the function declares. */
export interface ArrivesAs<T> {
  /** What the function gets, since arguments are stored as JSON. Declare the parameter with this type. */
  readonly "is stored as JSON, declare the parameter as": T;
}

/**
 * The type of a value after it was stored and read: a `Date` becomes a string, an object with `toJSON()` what that
 * returns, a `bigint` possibly a number, `undefined` in a list `null`, an instance of a class its own data. What
 * cannot be stored becomes {@linkcode NotJson}.
 */
export type Stored<T> = 0 extends 1 & T ? T
  : T extends string | number | boolean | null | undefined | void ? T
  : T extends bigint ? bigint | number
  : T extends { toJSON(...args: never[]): infer J } ? Stored<J>
  : T extends
    | ((...args: never[]) => unknown)
    | symbol
    | ReadonlyMap<unknown, unknown>
    | ReadonlySet<unknown>
    | WeakMap<WeakKey, unknown>
    | WeakSet<WeakKey>
    | PromiseLike<unknown>
    | RegExp
    | ArrayBuffer
    | ArrayBufferView
    | Blob ? NotJson<T>
  : T extends readonly unknown[] ? {
      [K in keyof T]: unknown extends T[K] ? T[K]
        : undefined extends T[K] ? Stored<Exclude<T[K], undefined>> | null
        : Stored<T[K]>;
    }
  : T extends object ? {
      [
        K in keyof T as K extends symbol ? never
          : T[K] extends (...args: never[]) => unknown ? never
          : K
      ]: Stored<T[K]>;
    }
  : T;

/**
 * The arguments that can be stored for a function: its parameters, each of which must be declared with the type
 * that arrives. A `Date`, for example, arrives as a string.
 */
export type StoredArgs<F extends JobFunction> = Parameters<F> extends
  infer P extends readonly unknown[] ? {
    [K in keyof P]: [Stored<P[K]>] extends [P[K]] ? P[K]
      : ArrivesAs<Stored<P[K]>>;
  }
  : never;

/** The type of a function's result after it was stored; see {@linkcode Stored}. That of a generator is what it returns. */
export type StoredResultOf<F extends JobFunction> = ReturnType<F> extends
  | AsyncGenerator<unknown, infer R>
  | Generator<unknown, infer R> ? Stored<R>
  : Stored<Awaited<ReturnType<F>>>;

/** The arguments of a call. Optional if the function needs none, or takes named arguments as its last. */
export type CallArgs<F extends JobFunction> = [] extends Parameters<F>
  ? PositionalArguments<StoredArgs<F>>
  :
    | ArgumentsByName<F>
    | Required<Pick<PositionalArguments<StoredArgs<F>>, "args">>
      & NamedArguments;

/** Named arguments. */
export interface NamedArguments {
  /**
   * Keyword arguments, JSON values: a Python function's own, a Deno function's last argument.
   *
   * @default {}
   */
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** Positional arguments. */
export interface PositionalArguments<A extends readonly unknown[]>
  extends NamedArguments {
  /**
   * Positional arguments, JSON values. For trailing `undefined` the function's defaults apply.
   *
   * @default []
   */
  readonly args?: Readonly<A>;
}

/** Arguments of which the last one is an object of named arguments. */
export interface ArgumentsByName<F extends JobFunction>
  extends Required<NamedArguments> {
  /** The others. */
  readonly args?: StoredArgs<F> extends readonly [...infer A, unknown?] ? A
    : readonly unknown[];
}

/** The first of some arguments, or none. */
export type StartOf<A extends readonly unknown[]> = A extends
  readonly [infer H, ...infer T] ? readonly [] | readonly [H, ...StartOf<T>]
  : Readonly<A>;

/** The arguments of a call whose function gets results of the jobs on which it depends as further ones. */
export interface PassedArgs<F extends JobFunction> extends NamedArguments {
  /** Jobs to wait for. */
  readonly dependsOn: PassingDependsOn;
  /**
   * The arguments before the results.
   *
   * @default []
   */
  readonly args?: StartOf<StoredArgs<F>>;
}

/** The function of a call. */
export type FuncOf<C> = C extends { readonly func: infer S }
  ? [Extract<S, JobFunction>] extends [never] ? JobFunction
  : Extract<S, JobFunction>
  : JobFunction;

/** The arguments of one of many calls. A list of unknown length is checked by its elements. */
export type ArgsOf<C> = C extends { readonly dependsOn: PassingDependsOn }
  ? PassedArgs<FuncOf<C>>
  : C extends { readonly args: infer A extends readonly unknown[] }
    ? number extends A["length"] ? NamedArguments & {
        readonly args: readonly StoredArgs<FuncOf<C>>[number][];
      }
    : CallArgs<FuncOf<C>>
  : CallArgs<FuncOf<C>>;
