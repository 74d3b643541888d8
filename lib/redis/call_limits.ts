/**
 * Calls that Redis refuses. Calls that exceed the server's limits are rejected before they are sent; where the
 * server does not tell its limits and just closes the connection, a few attempts find out.
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

/** A server's size limits in bytes; `Infinity` where it does not tell. */
export interface Limits {
  /** Of one argument: `proto-max-bulk-len`. */
  readonly argument: number;
  /** Of a whole call: `client-query-buffer-limit`. */
  readonly call: number;
}

/**
 * A call of at most this {@linkcode Call.size} is never too large: neither limit can be set below 1 MB,
 * and a character takes at most three bytes.
 */
export const SURELY_TAKEN: number = Math.floor(2 ** 20 / 3);

/** A call is given up after this many attempts at least and at most, within a total of this many bytes. */
const [FEWEST_TRIES, MOST_TRIES, MOST_BYTES] = [3, 6, 8 << 20];

const SETTINGS: readonly Command[] = [
  "proto-max-bulk-len",
  "client-query-buffer-limit",
].map((name) => ({ name: "CONFIG", args: ["GET", name], binary: false }));

/** Asks the server for its limits. Managed servers may not tell. */
export async function askLimits(connection: Connection): Promise<Limits> {
  const [argument, call] = await connection.pipeline(SETTINGS);
  return { argument: limitOf(argument), call: limitOf(call) };
}

/** The error for a call that exceeds the server's limits, or `undefined`. */
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

/** The error for a call that the server answered with a protocol error, after which it closes the connection. */
export function protocolErrorOf(
  call: Call,
  reply: ReplyError,
  url: string,
): CallRefusedError | undefined {
  return reply.message.startsWith("ERR Protocol error")
    ? refused(call, url, reply.message, reply)
    : undefined;
}

/** The error for a call whose connection was lost again, if it is to be given up. */
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
