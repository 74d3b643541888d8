/** Reading what Redis replies. @module */

import { type RedisReply, ReplyError } from "../redis/redis_client.ts";

/** An array reply; empty for any other reply. */
export function list(reply: RedisReply): RedisReply[] {
  return Array.isArray(reply) ? reply : [];
}

/** The parts of an array reply, as text. */
export function texts(reply: RedisReply): string[] {
  return list(reply).map(String);
}

/** Converts a WRONGTYPE error to `null`: a key of another type holds nothing of what is read. */
export async function noWrongType(
  reply: Promise<RedisReply>,
): Promise<RedisReply> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof ReplyError && error.code === "WRONGTYPE") return null;
    throw error;
  }
}
