import { assert, assertEquals, assertThrows } from "@std/assert";
import { Cluster, Redis } from "ioredis";
import { connect } from "../../lib/redis/connect.ts";
import { Script } from "../../lib/redis/script.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { until } from "./support.ts";

Deno.test("an ioredis client's user, password and database hold for further connections too", async () => {
  await using server = await RedisServer.start({
    args: ["--requirepass", "secret"],
  });
  const existing = new Redis(`redis://:secret@127.0.0.1:${server.port}/3`);
  await using client = connect(existing);
  assertEquals(client.url, `redis://:***@127.0.0.1:${server.port}/3`);
  await using blocking = client.blocking();
  const popped = blocking.send("BLPOP", ["list", 0], { blockMs: Infinity });
  await client.send("RPUSH", ["list", "x"]);
  assertEquals(await popped, ["list", "x"]);
  await client.close();
  await end(existing);
});

Deno.test.each([
  ["keyPrefix", { keyPrefix: "app:" }],
  ["stringNumbers", { stringNumbers: true }],
])("connect() refuses an ioredis client with %s", (name, options) => {
  const existing = new Redis({ ...options, lazyConnect: true });
  assertThrows(() => connect(existing), TypeError, name);
  existing.disconnect();
});

Deno.test("blocking() says that the host of a foreign @db/redis client is unknown", async () => {
  const foreign = {
    isConnected: true,
    sendCommand: () => Promise.resolve("PONG"),
    pipeline: () => ({ flush: () => Promise.resolve([]) }),
  };
  await using client = connect(foreign);
  assertThrows(() => client.blocking(), TypeError, "pass a URL instead");
});

Deno.test("an ioredis Cluster is used key by key", async () => {
  const folder = await Deno.makeTempDir();
  await using server = await RedisServer.start({
    args: [
      ...["--cluster-enabled", "yes", "--dir", folder],
      ...["--cluster-port", String(freePort())],
      ...["--cluster-announce-ip", "127.0.0.1"],
    ],
  });
  await using setup = connect(server.url);
  await setup.send("CLUSTER", ["ADDSLOTSRANGE", 0, 16_383]);
  await until(async () =>
    String(await setup.send("CLUSTER", ["INFO"])).includes("cluster_state:ok")
  );
  const cluster = new Cluster([{ host: "127.0.0.1", port: server.port }]);
  await using client = connect(cluster);
  assertEquals(
    await Promise.all([
      client.send("SET", ["a", "1"]),
      client.send("SET", ["b", "2"]),
      client.send("GET", ["a"]),
    ]),
    ["OK", "OK", "1"],
  );
  const script = new Script("key", "return KEYS[1]");
  assertEquals(await script.run(client, ["{rq}:a"], []), "{rq}:a");
  await using blocking = client.blocking();
  const popped = blocking.send("BLPOP", ["{rq}:a", 0], { blockMs: Infinity });
  await client.send("RPUSH", ["{rq}:a", "x"]);
  assertEquals(await popped, ["{rq}:a", "x"]);
  const messages: string[] = [];
  await using _subscription = await client.subscribe(
    "channel",
    (message) => messages.push(message),
  );
  assert(await client.send("PUBLISH", ["channel", "x"]) === 1);
  await until(() => messages.length === 1);
  await client.close();
  await end(cluster);
  await Deno.remove(folder, { recursive: true });
});

async function end(client: Redis | Cluster): Promise<void> {
  const ended = new Promise((resolve) => client.once("end", resolve));
  client.disconnect();
  await ended;
}
