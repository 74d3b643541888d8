/**
 * The first round trip of every connection: logs in, and checks whether this
 * server can be used: now, later, or never.
 *
 * @module
 */

import type { Command, Connection, Driver } from "./driver.ts";
import {
  ConnectionRefusedError,
  type RedisArg,
  type RedisReply,
  ReplyError,
} from "./redis_client.ts";

/** What the handshake learned about the server and this connection. */
export interface Greeting {
  /** The connection's id for `CLIENT UNBLOCK`; `undefined` where the server does not tell. */
  readonly clientId: number | undefined;
  /** The `maxmemory-policy`; `undefined` where the server does not tell. */
  readonly policy: string | undefined;
}

/** The oldest Redis that has all commands used here: `BLMOVE`, `LMOVE`, `CLIENT LIST ID`. */
const OLDEST = [6, 2] as const;

/**
 * Performs the handshake, in one round trip.
 *
 * @throws {ConnectionRefusedError} If trying again is useless: a wrong password or
 * database, or a version that is too old.
 * @throws {ReplyError} If trying again may help: it is loading, or a read-only replica.
 */
export async function greet(
  connection: Connection,
  driver: Driver,
  name?: string,
): Promise<Greeting> {
  const login = driver.credentials;
  const steps: [step: string, ...command: RedisArg[]][] = [
    ["ping", "PING"],
    ["info", "INFO"],
  ];
  if (driver.direct) steps.push(["id", "CLIENT", "ID"]);
  if (login !== undefined) {
    if (login.db !== 0) steps.unshift(["select", "SELECT", login.db]);
    const { username, password } = login;
    if (username !== undefined || password !== undefined) {
      const user = username === undefined ? [] : [username];
      steps.unshift(["auth", "AUTH", ...user, password ?? ""]);
    }
    if (name !== undefined) steps.push(["name", "CLIENT", "SETNAME", name]);
  }
  const replies = await connection.pipeline(
    steps.map(([, command, ...args]): Command => ({
      name: String(command),
      args,
      binary: false,
    })),
  );
  return read(
    new Map(steps.map(([step], i) => [step, replies[i] ?? null])),
    driver.url,
  );
}

/**
 * Why the server closed the connection during {@linkcode greet}, asked over a new connection. A server with too many
 * clients sends an error without being asked and closes; a package that waits for several replies may lose that error.
 */
export async function askWhy(
  connection: Connection,
): Promise<ReplyError | undefined> {
  const ping: Command = { name: "PING", args: [], binary: false };
  const [reply] = await connection.pipeline([ping]);
  return reply instanceof ReplyError && reply.code !== "NOAUTH"
    ? reply
    : undefined;
}

function read(
  replies: ReadonlyMap<string, RedisReply | ReplyError>,
  url: string,
): Greeting {
  const auth = replies.get("auth");
  if (auth instanceof ReplyError) throw loginError(auth, url);
  const ping = replies.get("ping");
  // An ACL may forbid PING, which only probes the connection.
  if (ping instanceof ReplyError && ping.code !== "NOPERM") {
    throw ping.code === "NOAUTH" ? loginError(ping, url) : ping;
  }
  if (typeof ping === "string" && ping !== "PONG") {
    throw new Error("the answer to PING was not PONG");
  }
  const select = replies.get("select");
  if (select instanceof ReplyError) {
    throw new ConnectionRefusedError(
      `Redis at ${url} refused the database (${select.message})`,
      { cause: select },
    );
  }
  const info = replies.get("info");
  const fields = parseInfo(typeof info === "string" ? info : "");
  checkVersion(fields.get("redis_version"), url);
  checkRole(fields);
  const id = replies.get("id");
  return {
    clientId: typeof id === "number" ? id : undefined,
    policy: fields.get("maxmemory_policy"),
  };
}

/** Only a wrong or missing password is final; "max number of clients reached", for example, is not. */
function loginError(error: ReplyError, url: string): Error {
  if (error.code === "NOAUTH") {
    return new ConnectionRefusedError(
      `Redis at ${url} needs a password (${error.message})`,
      { cause: error },
    );
  }
  const final = ["WRONGPASS", "NOPERM"].includes(error.code) ||
    (error.code === "ERR" && /password|AUTH/.test(error.message));
  return final
    ? new ConnectionRefusedError(
      `Redis at ${url} refused the password (${error.message})`,
      { cause: error },
    )
    : error;
}

/** Managed servers may forbid INFO; without an answer the version counts as new enough. */
function checkVersion(version: string | undefined, url: string): void {
  if (version === undefined) return;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new ConnectionRefusedError(
    `Redis at ${url} is version ${version}; ${
      OLDEST.join(".")
    } or newer is needed`,
  );
}

/** INFO works on a loading server and on a replica, where our other commands would fail. */
function checkRole(fields: ReadonlyMap<string, string>): void {
  if (fields.get("loading") === "1") {
    throw new ReplyError("LOADING Redis is loading the dataset in memory");
  }
  if (
    fields.get("role") === "slave" && fields.get("slave_read_only") !== "0"
  ) {
    throw new ReplyError("READONLY the server is a read-only replica");
  }
}

function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
