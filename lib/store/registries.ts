/** Reading the registries of a queue. Nothing here changes anything, or keeps Redis from others for long. @module */

import type { RedisClient } from "../redis/redis_client.ts";
import { EXECUTION_ID_LENGTH } from "./execution_id.ts";
import type { Keys, RegistryName } from "./keys.ts";
import { LEASE_MARGIN } from "./lease.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { REGISTRY_FACTS } from "./scripts/registry_facts.ts";
import { REGISTRY_PAGE } from "./scripts/registry_page.ts";

/** How many entries one call reads if there is no limit. */
const PAGE = 500;

const RESEND = { resend: true } as const;

/** Where the registries are. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** One registry. */
export interface RegistryPlace {
  readonly queue: string;
  readonly name: RegistryName;
}

/** One member of a sorted set. */
export interface SetEntry {
  readonly member: string;
  readonly score: number;
}

/** One entry of a registry. Of started jobs, the member is `<job>:<execution>`. */
export interface RegistryEntry extends SetEntry {
  /** The job's id. */
  readonly id: string;
}

/** How a registry is read. */
export interface WalkOptions {
  /** From the highest score down. @default false */
  readonly newestFirst?: boolean;
  /** How many entries to skip. @default 0 */
  readonly offset?: number;
  /** How many entries to read at once. @default 500 */
  readonly pageSize?: number;
}

/** The entries of a registry in pages, by their scores; see {@linkcode sortedSetPages}. */
export async function* registryPages(
  place: Place,
  { queue, name }: RegistryPlace,
  options: WalkOptions = {},
): AsyncGenerator<RegistryEntry[]> {
  const key = place.keys.registry(name, queue);
  const walk = { ...options, expires: doesExpire(name) };
  for await (const page of sortedSetPages(place, key, walk)) {
    yield page.map((entry) => ({ ...entry, id: idOf(name, entry.member) }));
  }
}

/**
 * The members of a sorted set in pages, by their scores; if they expire, only those that have not. Those that stay come
 * once; those that come or leave meanwhile may be missing. Upwards it ends at what was last when it began: on a busy queue it
 * would not end otherwise.
 */
export async function* sortedSetPages(
  { client, keys }: Place,
  key: string,
  { newestFirst = false, offset = 0, pageSize = PAGE, expires = false }:
    & WalkOptions
    & { readonly expires?: boolean } = {},
): AsyncGenerator<SetEntry[]> {
  const direction = newestFirst ? "down" : "up";
  const head = [keys.prefix, pageSize, direction, expiry(expires)];
  const last = newestFirst ? Infinity : await lastScore(client, key);
  let from: (string | number)[] = [offset];
  for (;;) {
    const page = await REGISTRY_PAGE.run(client, [key], [...head, ...from], {
      resend: true,
    });
    const reply = texts(page);
    const entries: SetEntry[] = [];
    for (let i = 0; i + 1 < reply.length; i += 2) {
      const [member, score] = [reply[i]!, scoreOf(reply[i + 1]!)];
      if (score > last) break;
      entries.push({ member, score });
    }
    if (entries.length > 0) yield entries;
    if (entries.length * 2 < reply.length || reply.length === 0) return;
    from = [reply.at(-1)!, reply.at(-2)!];
  }
}

/** How many entries a registry has. */
export async function registryCount(
  place: Place,
  registry: RegistryPlace,
): Promise<number> {
  return (await facts(place, registry, [])).count;
}

/** The score of a job in a registry, or when its lease ends, in seconds since 1970; `null` if it is not there. */
export async function registryScore(
  place: Place,
  registry: RegistryPlace,
  id: string,
): Promise<number | null> {
  const members = registry.name === "wip" ? await leasesOf(place, id) : [id];
  return (await facts(place, registry, members)).score;
}

/** Takes an id off a registry; the job itself stays as it is. `false` if it was not there. */
export async function removeFromRegistry(
  { client, keys }: Place,
  { queue, name }: RegistryPlace,
  id: string,
): Promise<boolean> {
  // Not sent again: a second call would report that it was not there.
  const reply = client.send("ZREM", [keys.registry(name, queue), id]);
  return await noWrongType(reply) === 1;
}

async function facts(
  { client, keys }: Place,
  { queue, name }: RegistryPlace,
  members: readonly string[],
): Promise<{ readonly count: number; readonly score: number | null }> {
  const key = keys.registry(name, queue);
  const args = [keys.prefix, expiry(doesExpire(name)), ...members];
  const reply = await REGISTRY_FACTS.run(client, [key], args, RESEND);
  const [count, member = "", score] = texts(reply);
  return {
    count: Number(count),
    score: score === undefined ? null : timeOf(name, member, scoreOf(score)),
  };
}

/**
 * What a lease of a job may be named: by the execution that its hash names, or by those that RQ's workers have recorded; RQ
 * before 2.0 has no executions.
 */
async function leasesOf(
  { client, keys }: Place,
  id: string,
): Promise<string[]> {
  const [own, ofRq] = await Promise.all([
    noWrongType(client.send("HGET", [keys.job(id), "x_execution"], RESEND)),
    noWrongType(client.send("ZRANGE", [keys.executions(id), 0, 99], RESEND)),
  ]);
  const executions = typeof own === "string" ? [own] : [];
  executions.push(...texts(list(ofRq)));
  return [...executions.map((execution) => `${id}:${execution}`), id];
}

async function lastScore(client: RedisClient, key: string): Promise<number> {
  const args = [key, -1, -1, "WITHSCORES"];
  const reply = await noWrongType(client.send("ZRANGE", args, RESEND));
  const [, score] = texts(list(reply));
  return score === undefined ? -Infinity : scoreOf(score);
}

/** Whether entries expire at their score. Canceled jobs are scored with when they were canceled. */
function doesExpire(name: RegistryName): boolean {
  return name === "finished" || name === "failed";
}

/** The same for scripts. */
function expiry(expires: boolean): string {
  return expires ? "expire" : "stay";
}

function idOf(name: RegistryName, member: string): string {
  const colon = name === "wip" ? member.lastIndexOf(":") : -1;
  return colon < 0 ? member : member.slice(0, colon);
}

/** What a score says: that of a lease of ours is a margin later than its end. */
function timeOf(name: RegistryName, member: string, score: number): number {
  const colon = name === "wip" ? member.lastIndexOf(":") : -1;
  const isOurs = colon >= 0 &&
    member.length - colon - 1 === EXECUTION_ID_LENGTH;
  return isOurs ? score - LEASE_MARGIN : score;
}

/** A score as Redis writes it. */
function scoreOf(text: string): number {
  return Number(text.replace("inf", "Infinity"));
}
