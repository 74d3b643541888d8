import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import {
  ConnectionLostError,
  type RedisClient,
} from "../../lib/redis/redis_client.ts";
import { RedisServer } from "../support/redis_server.ts";
import { DRIVERS, Proxy, rejection, until, WAYS } from "./support.ts";

const MOVE = ["from", "to", "LEFT", "RIGHT", 0] as const;

async function untilBlocked(client: RedisClient): Promise<void> {
  await until(async () =>
    String(await client.send("INFO", ["clients"])).includes("blocked_clients:1")
  );
}

Deno.test.each(WAYS)(
  "a blocking call does not hold up others over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await using blocking = client.blocking();
    const moved = blocking.send("BLMOVE", MOVE, {
      blockMs: Infinity,
      binary: true,
    });
    await untilBlocked(client);
    await client.send("RPUSH", ["from", new Uint8Array([255, 0])]);
    assertEquals(await moved, new Uint8Array([255, 0]));
  },
);

Deno.test.each(WAYS)(
  "unblock() ends the call that is blocked over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await using blocking = client.blocking();
    await blocking.unblock();
    for (let i = 0; i < 20; i++) {
      const moved = blocking.send("BLMOVE", MOVE, { blockMs: Infinity });
      if (i % 2 === 0) await untilBlocked(client);
      await blocking.unblock();
      assertEquals(await moved, null);
    }
  },
);

Deno.test.each(DRIVERS)(
  "unblock() keeps what was caught in that instant over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await using blocking = client.blocking();
    let caught = 0;
    for (let i = 0; i < 100; i++) {
      const moved = blocking.send("BLMOVE", MOVE, { blockMs: Infinity });
      if (i % 4 !== 0) await untilBlocked(client);
      const push = client.send("RPUSH", ["from", i]);
      await Promise.all([push, blocking.unblock()]);
      const reply = await moved;
      if (reply !== null) caught++;
      // Nothing is lost: it is either the reply, or still where it was.
      assertEquals(await client.send("LLEN", ["from"]), reply === null ? 1 : 0);
      assertEquals(await client.send("LLEN", ["to"]), reply === null ? 0 : 1);
      await client.send("DEL", ["from", "to"]);
    }
    assert(caught > 0);
  },
);

Deno.test.each(DRIVERS)(
  "a blocking call is never sent again over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await using blocking = client.blocking();
    const lost = rejection(
      blocking.send("BLMOVE", MOVE, { blockMs: Infinity }),
    );
    await untilBlocked(client);
    await client.send("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"]);
    const error = await lost;
    assert(error instanceof ConnectionLostError && error.sent);
    await client.send("RPUSH", ["from", "job"]);
    assertEquals(
      await blocking.send("BLMOVE", MOVE, { blockMs: Infinity }),
      "job",
    );
  },
);

Deno.test.each(DRIVERS)(
  "the watchdog allows for the blocking time and no more over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    await using subject = await way.connect(proxy.port, { replyTimeout: 300 });
    const { client } = subject;
    await using blocking = client.blocking();
    assertEquals(
      await blocking.send("BLPOP", ["from", 0.5], { blockMs: 500 }),
      null,
    );
    const since = performance.now();
    const lost = rejection(
      blocking.send("BLPOP", ["from", 0.2], { blockMs: 200 }),
    );
    proxy.deaf = true;
    const error = await lost;
    assert(error instanceof ConnectionLostError && error.sent);
    assert(error.message.endsWith("no reply within 0.5 s"), error.message);
    assert(performance.now() - since >= 490);
  },
);

Deno.test.each(DRIVERS)(
  "unblock() drops a connection on which nothing comes back over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    await using parent = connect(server.url);
    await using subject = await way.connect(proxy.port, { replyTimeout: 200 });
    await using blocking = subject.client.blocking();
    const lost = rejection(
      blocking.send("BLMOVE", MOVE, { blockMs: Infinity }),
    );
    await untilBlocked(parent);
    proxy.deaf = true;
    await blocking.unblock();
    assert(await lost instanceof ConnectionLostError);
  },
);

Deno.test.each(DRIVERS)(
  "unblock() drops the connection where CLIENT UNBLOCK is denied over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await client.send("ACL", ["SETUSER", "default", "-client|unblock"]);
    await using blocking = client.blocking();
    const lost = rejection(
      blocking.send("BLMOVE", MOVE, { blockMs: Infinity }),
    );
    await untilBlocked(client);
    await blocking.unblock();
    const error = await lost;
    assert(error instanceof ConnectionLostError);
    // Not only since no reply came.
    assert(Deno.inspect(error).includes("NOPERM"), Deno.inspect(error));
  },
);

Deno.test.each(DRIVERS)(
  "unblock() ends a call that waits for a connection over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    proxy.deaf = true;
    await using subject = await way.connect(proxy.port);
    await using blocking = subject.client.blocking();
    const moved = blocking.send("BLMOVE", MOVE, { blockMs: Infinity });
    await blocking.unblock();
    assertEquals(await moved, null);
  },
);

Deno.test("send() refuses a second blocking call beside the first", async () => {
  await using server = await RedisServer.start();
  await using client = connect(server.url);
  await using blocking = client.blocking();
  const moved = blocking.send("BLMOVE", MOVE, { blockMs: Infinity });
  assertEquals(
    (await rejection(blocking.send("PING", [], { blockMs: 0 }))).message,
    "Cannot send PING: another blocking call is pending",
  );
  await blocking.unblock();
  assertEquals(await moved, null);
});

Deno.test("a lost blocking connection makes an idle client look after its own", async () => {
  await using server = await RedisServer.start();
  const states: string[] = [];
  await using client = connect(server.url, {
    onState: ({ state }) => states.push(state),
  });
  await using blocking = client.blocking();
  await client.send("PING");
  const lost = rejection(blocking.send("BLMOVE", MOVE, { blockMs: Infinity }));
  await untilBlocked(client);
  await server.kill();
  await lost;
  await until(() => states.length === 1);
  await server.restart();
  await until(() => states.length === 2);
  assertEquals(states, ["down", "up"]);
});
