/**
 * What values become when they are stored as JSON, in types.
 *
 * @module
 */

/** A function that can be a job: an export of a module that the worker can import too. */
// deno-lint-ignore no-explicit-any -- the one place where any arguments and results must fit
export type JobFunction = (...args: any[]) => any;

/** What JSON cannot hold: storing a value of this type is refused. */
export interface NotJson<T> {
  /** The type that is refused. */
  readonly "is not JSON": T;
}

/** An argument whose function would get something else than it declares. */
export interface ArrivesAs<T> {
  /** What the function gets, since arguments are stored as JSON; its parameter has to be declared so. */
  readonly "is stored as JSON, declare the parameter as": T;
}

/**
 * What a value of a type is after it was stored and read: a `Date` a text, what has `toJSON()` what that
 * gives, a `bigint` a number where that holds it, `undefined` in a list `null`, an instance of a class its
 * own data. What cannot be stored shows as {@linkcode NotJson}.
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
 * The arguments that can be stored for a function: its parameters, each of which has to be declared as what
 * arrives, which is JSON. A parameter that is a `Date` can only be declared as a text.
 */
export type StoredArgs<F extends JobFunction> = Parameters<F> extends
  infer P extends readonly unknown[] ? {
    [K in keyof P]: [Stored<P[K]>] extends [P[K]] ? P[K]
      : ArrivesAs<Stored<P[K]>>;
  }
  : never;

/** What comes back of a function's result; see {@linkcode Stored}. */
export type StoredResultOf<F extends JobFunction> = Stored<
  Awaited<ReturnType<F>>
>;

/** The arguments of a call: they can be left out where the function needs none, or gets named ones as its last. */
export type CallArgs<F extends JobFunction> = [] extends Parameters<F>
  ? PositionalArguments<StoredArgs<F>>
  :
    | ArgumentsByName<F>
    | Required<Pick<PositionalArguments<StoredArgs<F>>, "args">>
      & NamedArguments;

/** Arguments by their names. */
export interface NamedArguments {
  /**
   * Keyword arguments, JSON values: a Python function's own, a Deno function's last argument.
   *
   * @default {}
   */
  readonly kwargs?: Readonly<Record<string, unknown>>;
}

/** Arguments by their places. */
export interface PositionalArguments<A extends readonly unknown[]>
  extends NamedArguments {
  /**
   * Positional arguments, JSON values. `undefined` at their end leaves the function's defaults in force.
   *
   * @default []
   */
  readonly args?: Readonly<A>;
}

/** Arguments of which the last one is given by names. */
export interface ArgumentsByName<F extends JobFunction>
  extends Required<NamedArguments> {
  /** The others. */
  readonly args?: StoredArgs<F> extends readonly [...infer A, unknown?] ? A
    : readonly unknown[];
}

/** The function of a call. */
export type FuncOf<C> = C extends { readonly func: infer S }
  ? [Extract<S, JobFunction>] extends [never] ? JobFunction
  : Extract<S, JobFunction>
  : JobFunction;

/** The arguments of a call among many: a list whose length nobody knows is checked by its elements. */
export type ArgsOf<C> = C extends
  { readonly args: infer A extends readonly unknown[] }
  ? number extends A["length"] ? NamedArguments & {
      readonly args: readonly StoredArgs<FuncOf<C>>[number][];
    }
  : CallArgs<FuncOf<C>>
  : CallArgs<FuncOf<C>>;
