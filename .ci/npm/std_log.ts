/**
 * Stands in for `jsr:@std/log` where only the npm registry can be reached: loggers,
 * records, levels and the handler to extend.
 *
 * @module
 */

/** The levels by name. */
export const LogLevels = {
  NOTSET: 0,
  DEBUG: 10,
  INFO: 20,
  WARN: 30,
  ERROR: 40,
  CRITICAL: 50,
} as const;

/** The name of a level. */
export type LevelName = keyof typeof LogLevels;

/** The number of a level. */
export type LogLevel = typeof LogLevels[LevelName];

/** The names of all levels, the lowest first. */
export const LogLevelNames: LevelName[] = Object.keys(LogLevels) as LevelName[];

/** The number of a level. */
export function getLevelByName(name: LevelName): LogLevel {
  const level: LogLevel | undefined = LogLevels[name];
  if (level === undefined) {
    throw new Error(`Cannot get log level: no level named ${name}`);
  }
  return level;
}

/** The name of a level. */
export function getLevelName(level: LogLevel): LevelName {
  const found = LogLevelNames.find((name) => LogLevels[name] === level);
  if (found === undefined) {
    throw new Error(`Cannot get log level: no name for level: ${level}`);
  }
  return found;
}

/** What a {@linkcode LogRecord} is made of. */
export interface LogRecordOptions {
  msg: string;
  args: unknown[];
  level: LogLevel;
  loggerName: string;
}

/** One message on its way to the handlers. */
export class LogRecord {
  readonly msg: string;
  readonly level: number;
  readonly levelName: string;
  readonly loggerName: string;
  readonly #args: readonly unknown[];
  readonly #time: number = Date.now();

  /** @param options its fields; the time is now */
  constructor(options: LogRecordOptions) {
    this.msg = options.msg;
    this.level = options.level;
    this.levelName = getLevelName(options.level);
    this.loggerName = options.loggerName;
    this.#args = [...options.args];
  }

  /** A copy of the further arguments. */
  get args(): unknown[] {
    return [...this.#args];
  }

  /** When it was made. */
  get datetime(): Date {
    return new Date(this.#time);
  }
}

/** Makes the text of a record. */
export type FormatterFunction = (logRecord: LogRecord) => string;

/** Options of {@linkcode BaseHandler}. */
export interface BaseHandlerOptions {
  /** @default "LEVEL message" */
  formatter?: FormatterFunction;
}

/** Takes records of a level and above, and writes their text where a subclass says. */
export abstract class BaseHandler {
  formatter: FormatterFunction;
  #level: LogLevel;

  /** @param levelName the lowest level that it takes */
  constructor(levelName: LevelName, options: BaseHandlerOptions = {}) {
    this.#level = getLevelByName(levelName);
    this.formatter = options.formatter ??
      (({ levelName, msg }) => `${levelName} ${msg}`);
  }

  /** The lowest level that it takes. */
  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    getLevelName(level); // throws for what is no level
    this.#level = level;
  }

  /** The name of {@linkcode BaseHandler.level}. */
  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** Writes a record, unless its level is too low. */
  handle(logRecord: LogRecord): void {
    if (logRecord.level >= this.#level) this.log(this.format(logRecord));
  }

  /** The text of a record. */
  format(logRecord: LogRecord): string {
    return this.formatter(logRecord);
  }

  /** Writes a text. */
  abstract log(msg: string): void;

  /** Opens what the handler writes to; nothing here. */
  setup(): void {}

  /** Closes what the handler writes to; nothing here. */
  destroy(): void {}

  /** The same as {@linkcode BaseHandler.destroy}. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** Options of {@linkcode Logger}. */
export interface LoggerOptions {
  /** @default [] */
  handlers?: BaseHandler[];
}

/** A message that is no function; a function is called for its message, if the level is high enough. */
type Message<T> = T extends (...args: never[]) => unknown ? never : T;

/** Hands messages of a level and above to its handlers. */
export class Logger {
  handlers: BaseHandler[];
  readonly #loggerName: string;
  #level: LogLevel;

  /** @param levelName the lowest level that it hands on */
  constructor(
    loggerName: string,
    levelName: LevelName,
    options: LoggerOptions = {},
  ) {
    this.#loggerName = loggerName;
    this.#level = getLevelByName(levelName);
    this.handlers = options.handlers ?? [];
  }

  /** The lowest level that it hands on. */
  get level(): LogLevel {
    return this.#level;
  }

  set level(level: LogLevel) {
    if (!Object.values(LogLevels).includes(level)) {
      throw new TypeError(`Invalid log level: ${level}`);
    }
    this.#level = level;
  }

  /** The name of {@linkcode Logger.level}. */
  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** Its name, in every record. */
  get loggerName(): string {
    return this.#loggerName;
  }

  /** Logs at the level DEBUG. */
  debug<T>(msg: () => T, ...args: unknown[]): T | undefined;
  debug<T>(msg: Message<T>, ...args: unknown[]): T;
  debug(msg: unknown, ...args: unknown[]): unknown {
    return this.#log(LogLevels.DEBUG, msg, args);
  }

  /** Logs at the level INFO. */
  info<T>(msg: () => T, ...args: unknown[]): T | undefined;
  info<T>(msg: Message<T>, ...args: unknown[]): T;
  info(msg: unknown, ...args: unknown[]): unknown {
    return this.#log(LogLevels.INFO, msg, args);
  }

  /** Logs at the level WARN. */
  warn<T>(msg: () => T, ...args: unknown[]): T | undefined;
  warn<T>(msg: Message<T>, ...args: unknown[]): T;
  warn(msg: unknown, ...args: unknown[]): unknown {
    return this.#log(LogLevels.WARN, msg, args);
  }

  /** Logs at the level ERROR. */
  error<T>(msg: () => T, ...args: unknown[]): T | undefined;
  error<T>(msg: Message<T>, ...args: unknown[]): T;
  error(msg: unknown, ...args: unknown[]): unknown {
    return this.#log(LogLevels.ERROR, msg, args);
  }

  /** Logs at the level CRITICAL. */
  critical<T>(msg: () => T, ...args: unknown[]): T | undefined;
  critical<T>(msg: Message<T>, ...args: unknown[]): T;
  critical(msg: unknown, ...args: unknown[]): unknown {
    return this.#log(LogLevels.CRITICAL, msg, args);
  }

  #log(level: LogLevel, msg: unknown, args: unknown[]): unknown {
    const lazy = typeof msg === "function";
    if (level < this.#level) return lazy ? undefined : msg;
    const value: unknown = lazy ? msg() : msg;
    const record = new LogRecord({
      msg: textOf(value),
      args,
      level,
      loggerName: this.#loggerName,
    });
    for (const handler of this.handlers) handler.handle(record);
    return value;
  }
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.stack ?? String(value);
  if (typeof value === "function") return "undefined";
  if (typeof value !== "object" || value === null) return String(value);
  const fields = Object.entries(value).map(([key, field]) =>
    `"${key}":${typeof field === "string" ? `"${field}"` : textOf(field)}`
  );
  return `{${fields.join(",")}}`;
}
