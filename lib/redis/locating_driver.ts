/**
 * Finds the server to connect to each time that a connection is opened, by asking Sentinels for their master, or servers
 * of a Cluster for the one that has our keys' slot. What it opens is an ordinary connection to that server: all keys are
 * on one slot, so that nothing else of a Cluster's client is needed. After a failover the old server ends its connections,
 * or answers that the slot has moved, which ends ours; and whoever connects anew asks again.
 *
 * Protocols: https://redis.io/docs/latest/develop/reference/sentinel-clients/ and
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 *
 * @module
 */

import {
  type Command,
  type Connection,
  type Driver,
  toError,
} from "./driver.ts";
import { type Node, type NodesTarget, showNode } from "./nodes.ts";
import { type RedisArg, type RedisReply, ReplyError } from "./redis_client.ts";
import type { RedisTarget } from "./url.ts";

/** Makes a driver for one server. */
export type DriverOf = (target: RedisTarget) => Driver;

/** Milliseconds after which the next of several servers is asked. */
const PATIENCE = 1_000;

/** See the module. */
export class LocatingDriver implements Driver {
  readonly url: string;
  readonly credentials: Driver["credentials"];
  readonly direct = true;
  readonly #target: NodesTarget;
  readonly #slotKey: string | undefined;
  readonly #driverOf: DriverOf;
  /** Those to ask, the one that has answered last first. */
  #nodes: readonly Node[];

  /**
   * `slotKey` is one of the keys, all of which are on one slot of a Cluster.
   *
   * @throws {TypeError} If they are not.
   */
  constructor(
    target: NodesTarget,
    slotKey: string | undefined,
    driverOf: DriverOf,
  ) {
    if (target.kind === "cluster" && !/\{[^}]/.test(slotKey ?? "")) {
      throw new TypeError(
        `Cannot use a Redis Cluster with the key prefix ${
          JSON.stringify(slotKey ?? "")
        }: all keys have to be on one of its slots, which a prefix in braces does, such as "{rq}:"`,
      );
    }
    this.url = target.url;
    this.credentials = target.server.credentials;
    this.#target = target;
    this.#slotKey = slotKey;
    this.#driverOf = driverOf;
    this.#nodes = target.nodes;
  }

  /** Makes one attempt. */
  async dial(signal: AbortSignal): Promise<Connection> {
    const { kind } = this.#target;
    const server = await this.#locate(signal);
    const connection = await this.#open(server, signal);
    return kind === "cluster" ? new SlotConnection(connection) : connection;
  }

  /**
   * Asks one after the other.
   *
   * @throws {Error} If none of them knows.
   */
  async #locate(signal: AbortSignal): Promise<Node> {
    const reasons: string[] = [];
    for (const node of this.#nodes) {
      try {
        const server = await this.#ask(node, signal);
        this.#nodes = [node, ...this.#nodes.filter((one) => one !== node)];
        return server;
      } catch (error) {
        signal.throwIfAborted();
        reasons.push(`${showNode(node)}: ${toError(error).message}`);
      }
    }
    const who = this.#target.kind === "sentinel" ? "Sentinel" : "server";
    throw new Error(`no ${who} tells where to connect (${reasons.join("; ")})`);
  }

  /** Asks one of them, which has a second to answer. */
  async #ask(node: Node, signal: AbortSignal): Promise<Node> {
    const late = new AbortController();
    const timer = setTimeout(
      () => late.abort(new Error(`no answer within ${PATIENCE / 1_000} s`)),
      PATIENCE,
    );
    const both = AbortSignal.any([signal, late.signal]);
    try {
      const connection = await this.#open(node, both);
      const giveUp = () => connection.close(toError(both.reason));
      both.addEventListener("abort", giveUp);
      try {
        both.throwIfAborted();
        return await this.#answerOf(connection, node);
      } finally {
        both.removeEventListener("abort", giveUp);
        connection.close(new Error("it has answered"));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #answerOf(connection: Connection, node: Node): Promise<Node> {
    const { kind, master, sentinelLogin, server } = this.#target;
    if (kind === "sentinel") {
      await logIn(connection, sentinelLogin);
      const address = await ask(connection, [
        ...["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master],
      ]);
      return masterOf(address, master);
    }
    await logIn(connection, server.credentials);
    const slot = await ask(connection, [
      ...["CLUSTER", "KEYSLOT", this.#slotKey ?? ""],
    ]);
    return ownerOf(await ask(connection, ["CLUSTER", "SLOTS"]), slot, node);
  }

  #open({ hostname, port }: Node, signal: AbortSignal): Promise<Connection> {
    const { server, url } = this.#target;
    const tls = "tls" in server.address && server.address.tls;
    const address = { hostname, port, tls };
    return this.#driverOf({ ...server, address, url }).dial(signal);
  }
}

async function logIn(
  connection: Connection,
  { username, password }: { username?: string; password?: string },
): Promise<void> {
  if (username === undefined && password === undefined) return;
  const user = username === undefined ? [] : [username];
  await ask(connection, ["AUTH", ...user, password ?? ""]);
}

async function ask(
  connection: Connection,
  [name = "", ...args]: readonly RedisArg[],
): Promise<RedisReply> {
  const command: Command = { name: String(name), args, binary: false };
  const [reply = null] = await connection.pipeline([command]);
  if (reply instanceof ReplyError) throw reply;
  return reply;
}

function masterOf(reply: RedisReply, name: string): Node {
  const [hostname, port] = Array.isArray(reply) ? reply : [];
  if (typeof hostname === "string" && Number(port) > 0) {
    return { hostname, port: Number(port) };
  }
  throw new Error(`it knows no master named ${JSON.stringify(name)}`);
}

/** The server that has a slot, out of the reply to `CLUSTER SLOTS`. Without an address, it is the one that was asked. */
function ownerOf(reply: RedisReply, slot: RedisReply, asked: Node): Node {
  for (const range of Array.isArray(reply) ? reply : []) {
    const [from, to, owner] = Array.isArray(range) ? range : [];
    const [hostname, port] = Array.isArray(owner) ? owner : [];
    const has = Number(from) <= Number(slot) && Number(slot) <= Number(to);
    if (!has || !(Number(port) > 0)) continue;
    const known = typeof hostname === "string" && hostname !== "" &&
      hostname !== "?";
    return {
      hostname: known ? hostname : asked.hostname,
      port: Number(port),
    };
  }
  throw new Error("no server of the Cluster has the slot of the keys");
}

/** A connection to the server of a Cluster that has the keys' slot: it ends if that is so no longer. */
class SlotConnection implements Connection {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get ended(): Promise<Error> {
    return this.#connection.ended;
  }

  async pipeline(
    commands: readonly Command[],
  ): Promise<(RedisReply | ReplyError)[]> {
    const replies = await this.#connection.pipeline(commands);
    const moved = replies.some((reply) =>
      reply instanceof ReplyError &&
      (reply.code === "MOVED" || reply.code === "ASK")
    );
    if (!moved) return replies;
    const error = new Error("the Cluster has moved the keys to another server");
    this.close(error);
    throw error;
  }

  subscribe(
    channel: string,
    onMessage: (message: string) => void,
  ): Promise<void> {
    return this.#connection.subscribe(channel, onMessage);
  }

  close(reason: Error): void {
    this.#connection.close(reason);
  }
}
