/** A Redis Cluster, and Sentinels, of servers on this machine. */

import { freePort, RedisServer } from "./redis_server.ts";
import { waitFor } from "./wait_for.ts";

const SLOTS = 16_384;

/** Three masters, each with a replica that takes over. Ends with `await using`. */
export class RedisCluster implements AsyncDisposable {
  /** The masters at the start, and behind them their replicas in the same order. */
  readonly servers: readonly RedisServer[];
  readonly #folder: string;

  private constructor(servers: readonly RedisServer[], folder: string) {
    this.servers = servers;
    this.#folder = folder;
  }

  static async start(): Promise<RedisCluster> {
    const folder = await Deno.makeTempDir({ prefix: "rq-cluster-" });
    const buses = Array.from({ length: 6 }, freePort);
    const servers = await Promise.all(
      buses.map((bus) => startNode(folder, bus)),
    );
    const cluster = new RedisCluster(servers, folder);
    await cluster.#join(buses);
    return cluster;
  }

  /** Names all of them. */
  get url(): string {
    return `redis-cluster://${
      this.servers.map(({ port }) => `127.0.0.1:${port}`).join(",")
    }`;
  }

  /** The master of a key, and its replica, as they were at the start. */
  async ownerOf(key: string): Promise<[RedisServer, RedisServer]> {
    const slot = await ask(this.servers[0]!, "CLUSTER", "KEYSLOT", key);
    const i = Math.floor(Number(slot) / SLOTS * 3);
    return [this.servers[i]!, this.servers[i + 3]!];
  }

  /** How many keys each master has. */
  async sizes(): Promise<number[]> {
    const masters = this.servers.slice(0, 3);
    const sizes = masters.map((one) => ask(one, "DBSIZE"));
    return (await Promise.all(sizes)).map(Number);
  }

  async #join(buses: readonly number[]): Promise<void> {
    for (const [i, { port }] of this.servers.entries()) {
      const node = ["127.0.0.1", port, buses[i]!];
      if (i > 0) await ask(this.servers[0]!, "CLUSTER", "MEET", ...node);
    }
    const masters = this.servers.slice(0, 3);
    for (const [i, master] of masters.entries()) {
      const [from, to] = [i, i + 1].map((n) => Math.ceil(n * SLOTS / 3));
      await ask(master, "CLUSTER", "ADDSLOTSRANGE", from!, to! - 1);
    }
    for (const [i, replica] of this.servers.slice(3).entries()) {
      const id = await ask(masters[i]!, "CLUSTER", "MYID");
      await waitFor(async () =>
        (await ask(replica, "CLUSTER", "NODES")).includes(id)
      );
      await ask(replica, "CLUSTER", "REPLICATE", id);
    }
    for (const server of this.servers) {
      await waitFor(async () => {
        const info = await ask(server, "CLUSTER", "INFO");
        const nodes = await ask(server, "CLUSTER", "NODES");
        return info.includes("cluster_state:ok") &&
          info.includes("cluster_size:3") &&
          nodes.match(/\bslave /g)?.length === 3;
      });
    }
    for (const replica of this.servers.slice(3)) await isInStep(replica);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((one) => one[Symbol.asyncDispose]()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function startNode(folder: string, bus: number): Promise<RedisServer> {
  return RedisServer.start({
    args: [
      ...["--cluster-enabled", "yes", "--dir", folder],
      ...["--cluster-config-file", `nodes-${bus}.conf`],
      ...["--cluster-port", String(bus), "--cluster-node-timeout", "1000"],
      ...["--cluster-announce-ip", "127.0.0.1"],
    ],
  });
}

/** A master, its replica, and three Sentinels that watch them as `mymaster`. Ends with `await using`. */
export class RedisSentinels implements AsyncDisposable {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly #sentinels: readonly Sentinel[];
  readonly #folder: string;

  private constructor(
    master: RedisServer,
    replica: RedisServer,
    sentinels: readonly Sentinel[],
    folder: string,
  ) {
    this.master = master;
    this.replica = replica;
    this.#sentinels = sentinels;
    this.#folder = folder;
  }

  static async start(): Promise<RedisSentinels> {
    const folder = await Deno.makeTempDir({ prefix: "rq-sentinels-" });
    const place = ["--dir", folder]; // where replicas keep what they copy
    const master = await RedisServer.start({ args: place });
    const replica = await RedisServer.start({
      args: [...place, "--replicaof", `127.0.0.1 ${master.port}`],
    });
    await isInStep(replica);
    const sentinels = await Promise.all(
      Array.from({ length: 3 }, () => Sentinel.start(master)),
    );
    for (const { port } of sentinels) {
      await waitFor(async () => {
        const info = await ask({ port }, "INFO", "sentinel");
        return /status=ok,address=\S+,slaves=1,sentinels=3/.test(info);
      });
    }
    return new RedisSentinels(master, replica, sentinels, folder);
  }

  /** Names all Sentinels. */
  get url(): string {
    const hosts = this.#sentinels.map(({ port }) => `127.0.0.1:${port}`);
    return `redis-sentinel://${hosts.join(",")}/mymaster`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sentinels.map((one) => one.end()));
    await this.replica[Symbol.asyncDispose]();
    await this.master[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** `redis-sentinel` writes its state into its own file. */
class Sentinel {
  readonly port: number;
  readonly #folder: string;
  readonly #server: RedisServer;

  private constructor(server: RedisServer, folder: string) {
    this.port = server.port;
    this.#server = server;
    this.#folder = folder;
  }

  static async start({ port }: RedisServer): Promise<Sentinel> {
    const folder = await Deno.makeTempDir({ prefix: "rq-sentinel-" });
    const file = `${folder}/sentinel.conf`;
    await Deno.writeTextFile(
      file,
      [
        `sentinel monitor mymaster 127.0.0.1 ${port} 2`,
        "sentinel down-after-milliseconds mymaster 1000",
        "sentinel failover-timeout mymaster 5000",
        "",
      ].join("\n"),
    );
    return new Sentinel(await RedisServer.start({ sentinel: file }), folder);
  }

  async end(): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Waits until a replica has all that its master has. */
async function isInStep(replica: RedisServer): Promise<void> {
  await waitFor(async () =>
    (await ask(replica, "INFO", "replication"))
      .includes("master_link_status:up")
  );
}

/** The reply of one server, whatever its role, to a command; clients of ours refuse replicas. */
async function ask(
  { port }: { readonly port: number },
  ...words: (string | number)[]
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`${words.join(" ")}\r\n`));
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let reply = "";
  while (!isWhole(reply)) {
    const n = await connection.read(buffer);
    if (n === null) throw new Error(`${words.join(" ")}: no reply`);
    reply += decoder.decode(buffer.subarray(0, n));
  }
  if (reply.startsWith("-")) throw new Error(`${words.join(" ")}: ${reply}`);
  return reply.replace(/^\$\d+\r\n|^[+:]/, "").trimEnd();
}

/** Whether a simple reply or a bulk string is complete. */
function isWhole(reply: string): boolean {
  const [head = "", size] = /^\$(\d+)\r\n/.exec(reply) ?? [];
  if (size !== undefined) return reply.length >= head.length + Number(size) + 2;
  return !reply.startsWith("$") && reply.endsWith("\r\n");
}
