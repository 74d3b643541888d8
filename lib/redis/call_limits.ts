/**
 * Calls that Redis does not take: told beforehand where the server says what is too
 * large, and found out by a few tries where it only cuts the connection.
 *
 * @module
 */

import type { Call } from "./call.ts";
import { type Command, type Connection, describe } from "./driver.ts";
import {
  CallRefusedError,
  type RedisArg,
  type RedisReply,
  type ReplyError,
} from "./redis_client.ts";

/** What a server takes at most, in bytes; `Infinity` where it does not tell. */
export interface Limits {
  /** One argument: `proto-max-bulk-len`. */
  readonly argument: number;
  /** A whole call: `client-query-buffer-limit`. */
  readonly call: number;
}

/**
 * A call of this {@linkcode Call.size} is never too large: no server can be set to take less than 1 MB,
 * and a character has at most three bytes.
 */
export const SURELY_TAKEN: number = Math.floor(2 ** 20 / 3);

/** How often a call is sent at least and at most before it is given up, and how many bytes of it altogether. */
const [FEWEST_TRIES, MOST_TRIES, MOST_BYTES] = [3, 6, 8 << 20];

const SETTINGS: readonly Command[] = [
  "proto-max-bulk-len",
  "client-query-buffer-limit",
].map((name) => ({ name: "CONFIG", args: ["GET", name], binary: false }));

/** Asks the server what it takes; managed ones may not tell. */
export async function askLimits(connection: Connection): Promise<Limits> {
  const [argument, call] = await connection.pipeline(SETTINGS);
  return { argument: limitOf(argument), call: limitOf(call) };
}

/** Why the server will not take a call, if it will not. */
export function refusalOf(
  call: Call,
  limits: Limits,
  url: string,
): CallRefusedError | undefined {
  const sizes = call.command.args.map(byteLength);
  const reason = sizes.some((size) => size > limits.argument)
    ? `ERR Protocol error: invalid bulk length, its proto-max-bulk-len is ${
      shown(limits.argument)
    }`
    : total(sizes) > limits.call
    ? `its client-query-buffer-limit is ${shown(limits.call)}`
    : undefined;
  return reason === undefined ? undefined : refused(call, url, reason);
}

/** The error of a call that the server has answered with a protocol error, after which it hangs up. */
export function protocolErrorOf(
  call: Call,
  reply: ReplyError,
  url: string,
): CallRefusedError | undefined {
  return reply.message.startsWith("ERR Protocol error")
    ? refused(call, url, reply.message, reply)
    : undefined;
}

/** The error of a call whose connection was lost once more, if that was once too often. */
export function lossesOf(
  call: Call,
  cause: Error,
  url: string,
): CallRefusedError | undefined {
  const affordable = Math.floor(MOST_BYTES / call.size);
  const tries = Math.max(FEWEST_TRIES, Math.min(affordable, MOST_TRIES));
  if (call.losses < tries) return undefined;
  return refused(
    call,
    url,
    `the connection was lost each of the ${call.losses} times that it was sent (${
      describe(cause)
    })`,
    cause,
  );
}

function refused(
  call: Call,
  url: string,
  reason: string,
  cause?: Error,
): CallRefusedError {
  const { name, args } = call.command;
  const bytes = total(args.map(byteLength));
  return new CallRefusedError(
    `Cannot send ${name} of ${
      shown(bytes)
    } bytes to Redis at ${url}: ${reason}`,
    { bytes, sent: call.sent, cause },
  );
}

function limitOf(reply: RedisReply | ReplyError | undefined): number {
  const value = Array.isArray(reply) ? Number(reply[1]) : NaN;
  return value > 0 ? value : Infinity;
}

const encoder = new TextEncoder();

function byteLength(arg: RedisArg): number {
  if (arg instanceof Uint8Array) return arg.length;
  return encoder.encode(String(arg)).length;
}

function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

function shown(bytes: number): string {
  return bytes.toLocaleString("en");
}
