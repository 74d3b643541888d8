import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import {
  ConnectionLostError,
  ReplyError,
} from "../../lib/redis/redis_client.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Proxy, rejection, WAYS } from "./support.ts";

const EACH_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i);

Deno.test.each(WAYS)(
  "send() gives replies in RESP2 shapes over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    assertEquals(await client.send("SET", ["text", "äöü €"]), "OK");
    assertEquals(await client.send("GET", ["text"]), "äöü €");
    assertEquals(await client.send("GET", ["nothing"]), null);
    assertEquals(await client.send("INCRBY", ["number", 41]), 41);
    assertEquals(await client.send("HSET", ["hash", "a", 1, "b", ""]), 2);
    assertEquals(await client.send("hgetall", ["hash"]), ["a", "1", "b", ""]);
    assertEquals(await client.send("ZADD", ["set", 1.5, "m"]), 1);
    assertEquals(await client.send("ZSCORE", ["set", "m"]), "1.5");
    assertEquals(await client.send("EVAL", ["return {1, false, {'x'}}", 0]), [
      1,
      null,
      ["x"],
    ]);
    assertEquals(await client.send("BLPOP", ["nothing", 0.01]), null);
  },
);

Deno.test.each(WAYS)(
  "send() gathers the calls of one tick over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    await using subject = await way.connect(proxy.port);
    const { client } = subject;
    await client.send("PING");
    const before = proxy.roundTrips;
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, i) => client.send("ECHO", [i])),
    );
    assertEquals(replies, Array.from({ length: 500 }, (_, i) => String(i)));
    const trips = proxy.roundTrips - before;
    assert(trips <= 3, `500 calls took ${trips} round trips`);
  },
);

Deno.test.each(WAYS)(
  "send() keeps the order of more calls than one pipeline holds over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const pushes = Array.from(
      { length: 2_500 },
      (_, i) => client.send("RPUSH", ["list", i]),
    );
    const lengths = await Promise.all(pushes);
    assertEquals(lengths, Array.from({ length: 2_500 }, (_, i) => i + 1));
    assertEquals(
      await client.send("LRANGE", ["list", 0, -1]),
      Array.from({ length: 2_500 }, (_, i) => String(i)),
    );
  },
);

Deno.test.each(WAYS)(
  "send() lets an error reply reject its own call only over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const [set, wrong, unknown, get] = await Promise.allSettled([
      client.send("SET", ["a", "1"]),
      client.send("LPUSH", ["a", "1"]),
      client.send("NOSUCHCOMMAND"),
      client.send("GET", ["a"]),
    ]);
    assertEquals(set, { status: "fulfilled", value: "OK" });
    assertEquals(get, { status: "fulfilled", value: "1" });
    assert(wrong.status === "rejected" && wrong.reason instanceof ReplyError);
    assertEquals(wrong.reason.code, "WRONGTYPE");
    assert(wrong.reason.message.startsWith("WRONGTYPE Operation against"));
    assert(
      unknown.status === "rejected" && unknown.reason instanceof ReplyError,
    );
    assertEquals(unknown.reason.code, "ERR");
  },
);

Deno.test.each(WAYS)(
  "send() carries every byte both ways over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const inside = new Uint8Array([9, ...EACH_BYTE, 9]).subarray(1, 257);
    await client.send("HSET", ["hash", EACH_BYTE, inside]);
    const [bytes, text, map] = await Promise.all([
      client.send("HGET", ["hash", EACH_BYTE], { binary: true }),
      client.send("ECHO", ["plain"]),
      client.send("HGETALL", ["hash"], { binary: true }),
    ]);
    assertEquals(bytes, EACH_BYTE);
    assertEquals(text, "plain");
    assertEquals(map, [EACH_BYTE, EACH_BYTE]);
    assertEquals(
      await client.send("HGET", ["hash", "none"], { binary: true }),
      null,
    );
  },
);

Deno.test.each(WAYS)(
  "send() gives statuses as bytes undamaged by what is read after them over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const big = "x".repeat(9_000);
    await client.send("SET", ["big", big]);
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) => [
        client.send("SET", [`k${i}`, i], { binary: true }),
        client.send("GET", ["big"]),
      ]).flat(),
    );
    for (let i = 0; i < replies.length; i += 2) {
      assertEquals(replies[i], new TextEncoder().encode("OK"));
      assertEquals(replies[i + 1], big);
    }
  },
);

Deno.test.each(WAYS)(
  "send() carries values of a megabyte among small ones over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const big = new Uint8Array(1 << 20).map((_, i) => i * 7);
    await Promise.all(
      Array.from({ length: 4 }, (_, i) => [
        client.send("SET", [`big${i}`, big]),
        client.send("SET", [`small${i}`, i]),
      ]).flat(),
    );
    const replies = await Promise.all(
      Array.from({ length: 4 }, (_, i) => [
        client.send("GET", [`big${i}`], { binary: true }),
        client.send("GET", [`small${i}`]),
      ]).flat(),
    );
    for (let i = 0; i < 4; i++) {
      assertEquals(replies[2 * i], big);
      assertEquals(replies[2 * i + 1], String(i));
    }
  },
);

Deno.test.each(WAYS)(
  "send() rejects with the reason of its signal over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const reason = new Error("enough");
    assertEquals(
      await rejection(
        client.send("PING", [], { signal: AbortSignal.abort(reason) }),
      ),
      reason,
    );
    await client.send("PING");
    server.pause();
    const aborter = new AbortController();
    const aborted = client.send("ECHO", ["a"], { signal: aborter.signal });
    const kept = client.send("ECHO", ["b"]);
    aborter.abort(reason);
    assertEquals(await rejection(aborted), reason);
    server.resume();
    assertEquals(await kept, "b");
    assertEquals(await client.send("ECHO", ["c"]), "c");
  },
);

Deno.test.each(WAYS)(
  "send() refuses what would spoil the shared connection over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const messages = await Promise.all([
      client.send("multi"),
      client.send("SET", ["a", undefined as unknown as string]),
      client.send("SET", ["a", NaN]),
    ].map(async (call) => (await rejection(call)).message));
    assertEquals(messages, [
      "Cannot send multi: the connection is shared with other calls",
      "Cannot send SET: argument 1 is undefined, not a string, a number or bytes",
      "Cannot send SET: argument 1 is NaN, not a string, a number or bytes",
    ]);
  },
);

Deno.test.each(WAYS)(
  "close() rejects pending and further calls and may be repeated over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await client.send("PING");
    server.pause();
    const pending = client.send("GET", ["a"]);
    const blocking = client.blocking();
    const blocked = blocking.send("BLPOP", ["a", 0], { blockMs: Infinity });
    const subscribing = client.subscribe("channel", () => undefined);
    const rejections = [pending, blocked, subscribing].map(rejection);
    await Promise.all([client.close(), client.close()]);
    server.resume();
    rejections.push(
      rejection(client.send("PING")),
      rejection(client.blocking().send("BLPOP", ["a", 0], { blockMs: 0 })),
      rejection(client.subscribe("channel", () => undefined)),
    );
    for (const error of await Promise.all(rejections)) {
      assert(error instanceof ConnectionLostError);
    }
    await client.close();
  },
);

Deno.test("close() leaves an existing client open", async () => {
  await using server = await RedisServer.start();
  for (const way of WAYS.slice(2)) {
    await using subject = await way.connect(server.port);
    await subject.client.send("PING");
    await subject.client.close();
    await using probe = connect(server.url);
    const list = await probe.send("CLIENT", ["LIST", "TYPE", "normal"]);
    assertEquals(String(list).trim().split("\n").length, 2);
  }
});

Deno.test("connect() does not dial before the first call, and close() needs none", async () => {
  const client = connect("redis://127.0.0.1:1");
  assertEquals(client.url, "redis://127.0.0.1:1");
  await client.close();
});

Deno.test("connect() opens unix sockets", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/redis.sock`;
  await using _server = await RedisServer.start({
    args: ["--unixsocket", path],
  });
  await using client = connect(`unix:${path}?db=3`, { name: "over-unix" });
  assertEquals(client.url, `unix:${path}?db=3`);
  const info = String(await client.send("CLIENT", ["INFO"]));
  assert(/ db=3 /.test(info) && / name=over-unix /.test(info), info);
  await client.close();
  await Deno.remove(folder, { recursive: true });
});
