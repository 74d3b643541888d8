/** Finding the server to connect to: by Sentinels, and in a Cluster. */

import { assertEquals, assertThrows } from "@std/assert";
import { Cluster } from "ioredis";
import { connect } from "../../lib/redis/connect.ts";
import type {
  ConnectionState,
  DriverName,
} from "../../lib/redis/redis_client.ts";
import { Script } from "../../lib/redis/script.ts";
import { RedisCluster, RedisSentinels } from "../support/redis_nodes.ts";
import { waitForEqual } from "../support/wait_for.ts";
import { rejection } from "./support.ts";

const DRIVERS: readonly DriverName[] = ["@db/redis", "ioredis"];

Deno.test("in a Cluster, calls, blocking calls, subscriptions and scripts go to the server of the keys' slot, also after its death", async () => {
  await using cluster = await RedisCluster.start();
  const [owner] = await cluster.ownerOf("{rq}:");
  const clients = DRIVERS.map((driver) =>
    connect(cluster.url, { driver, slotKey: "{rq}:" })
  );
  for (const client of clients) {
    await client.send("SET", ["{rq}:a", "1"]);
    assertEquals(await client.send("GET", ["{rq}:a"]), "1");
    const info = String(await client.send("INFO", ["server"]));
    assertEquals(/tcp_port:(\d+)/.exec(info)?.[1], String(owner.port));
    const script = new Script("p", "return redis.call('GET', ARGV[1] .. 'a')");
    assertEquals(await script.run(client, [], ["{rq}:"]), "1");
    await using blocking = client.blocking();
    const popped = blocking.send("BLPOP", ["{rq}:l", 0], { blockMs: Infinity });
    await client.send("RPUSH", ["{rq}:l", "x"]);
    assertEquals(await popped, ["{rq}:l", "x"]);
    const messages: string[] = [];
    await using _ = await client.subscribe("c", (text) => messages.push(text));
    await client.send("PUBLISH", ["c", "x"]);
    await waitForEqual(() => messages, ["x"]);
  }
  const existing = new Cluster([{ host: "127.0.0.1", port: owner.port }]);
  const over = connect(existing);
  const script = new Script("p", "return redis.call('GET', ARGV[1] .. 'a')");
  // as often as it takes to reach each of the servers by chance
  for (let i = 0; i < 20; i++) {
    assertEquals(await script.run(over, [], ["{rq}:"]), "1");
  }
  await over.close();
  const ended = new Promise((resolve) => existing.once("end", resolve));
  existing.disconnect();
  await ended;
  await owner.kill();
  for (const client of clients) {
    const read = async () => {
      try {
        return await client.send("SET", ["{rq}:b", "2"], { resend: true });
      } catch (error) {
        return (error as Error).name; // until the replica has taken over
      }
    };
    await waitForEqual(read, "OK");
    await client.close();
  }
});

Deno.test("a Sentinel tells where the master is, and after its death where the next one is", async () => {
  await using sentinels = await RedisSentinels.start();
  const states: ConnectionState[] = [];
  const clients = DRIVERS.map((driver) =>
    connect(sentinels.url, { driver, onState: (state) => states.push(state) })
  );
  for (const client of clients) {
    assertEquals(await client.send("SET", ["a", "1"]), "OK");
  }
  await sentinels.master.kill();
  for (const client of clients) {
    const write = async () => {
      try {
        return await client.send("SET", ["b", "2"], { resend: true });
      } catch (error) {
        return (error as Error).name;
      }
    };
    await waitForEqual(write, "OK");
    const info = String(await client.send("INFO", ["server"]));
    const port = String(sentinels.replica.port);
    assertEquals(/tcp_port:(\d+)/.exec(info)?.[1], port);
    await client.close();
  }
});

Deno.test("an unknown master, and Sentinels that are not there, are told by name", async () => {
  await using sentinels = await RedisSentinels.start();
  const url = sentinels.url.replace("mymaster", "other");
  await using client = connect(url, { connectTimeout: 300 });
  const error = await rejection(client.send("PING"));
  assertEquals(/knows no master named "other"/.test(error.message), true);
  await using nobody = connect("redis-sentinel://127.0.0.1:1/m", {
    connectTimeout: 300,
  });
  const { message } = await rejection(nobody.send("PING"));
  assertEquals(
    /no Sentinel tells where to connect \(127\.0\.0\.1:1: /.test(message),
    true,
    message,
  );
});

Deno.test("a Cluster needs keys that are on one slot", () => {
  for (const slotKey of ["rq:", "{}rq:"]) {
    assertThrows(
      () => connect("redis-cluster://localhost:7000", { slotKey }),
      TypeError,
      'such as "{rq}:"',
    );
  }
});
