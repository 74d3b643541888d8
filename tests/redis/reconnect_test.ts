import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import {
  ConnectionLostError,
  type ConnectionState,
  type RedisClient,
} from "../../lib/redis/redis_client.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { DRIVERS, Proxy, rejection, until } from "./support.ts";

/** Kills all other connections, through a separate client. */
async function killOthers(server: RedisServer): Promise<void> {
  await using killer = connect(server.url, { name: "killer" });
  await killer.send("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"]);
}

/** Waits until the server holds the client in a BLPOP. */
async function untilBlocked(server: RedisServer): Promise<void> {
  await using probe = connect(server.url);
  await until(async () =>
    String(await probe.send("INFO", ["clients"])).includes("blocked_clients:1")
  );
}

Deno.test.each(DRIVERS)(
  "a call that may be re-sent survives CLIENT KILL over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const pop = client.send("BLPOP", ["list", 0], { resend: true });
    await untilBlocked(server);
    await killOthers(server);
    await untilBlocked(server);
    await using pusher = connect(server.url);
    await pusher.send("RPUSH", ["list", "job"]);
    assertEquals(await pop, ["list", "job"]);
  },
);

Deno.test.each(DRIVERS)(
  "a call that may not be re-sent is rejected as sent, once its connection broke, over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const error = rejection(client.send("BLPOP", ["list", 0]));
    await untilBlocked(server);
    await killOthers(server);
    const lost = await error;
    assert(lost instanceof ConnectionLostError);
    assertEquals(lost.sent, true);
    assertEquals(
      lost.message,
      `Lost the connection to Redis at ${client.url} before the reply to BLPOP: the server closed the connection`,
    );
    assertEquals(await client.send("PING"), "PONG");
  },
);

Deno.test.each(DRIVERS)(
  "order is kept over a reconnect: re-sent calls first over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await client.send("PING");
    const first = [
      client.send("BLPOP", ["gate", 0], { resend: true }),
      client.send("RPUSH", ["list", "1"], { resend: true }),
      client.send("RPUSH", ["list", "never"]).catch(() => "lost"),
      client.send("RPUSH", ["list", "2"], { resend: true }),
    ];
    await untilBlocked(server);
    const later = [
      client.send("RPUSH", ["list", "3"]),
      client.send("RPUSH", ["list", "4"], { resend: true }),
    ];
    await killOthers(server);
    await untilBlocked(server);
    await using pusher = connect(server.url);
    await pusher.send("RPUSH", ["gate", "open"]);
    await Promise.all([...first, ...later]);
    assertEquals(await first[2], "lost");
    assertEquals(await client.send("LRANGE", ["list", 0, -1]), [
      "1",
      "2",
      "3",
      "4",
    ]);
  },
);

Deno.test.each(DRIVERS)(
  "a server that was killed and started again is found again over $name",
  async (way) => {
    await using server = await RedisServer.start();
    const states: ConnectionState[] = [];
    await using subject = await way.connect(server.port, {
      onState: (state) => states.push(state),
    });
    const { client } = subject;
    assertEquals(await client.send("SET", ["a", 1]), "OK");
    assertEquals(states, []);
    await server.kill();
    const waiting = client.send("ECHO", ["back"], { resend: true });
    await until(() => states.length === 1);
    await server.restart();
    assertEquals(await waiting, "back");
    assertEquals(states.map(({ state }) => state), ["down", "up"]);
    const [down, up] = states;
    assert(down?.state === "down" && up?.state === "up" && up.downFor > 0);
    assertEquals(down.error instanceof ConnectionLostError, true);
    assert(
      down.error.message.startsWith(
        `Lost the connection to Redis at ${client.url}: `,
      ),
      down.error.message,
    );
  },
);

Deno.test.each(DRIVERS)(
  "after an idle time, a call meets a new connection rather than a dead one over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    await using subject = await way.connect(proxy.port);
    const { client } = subject;
    await client.send("PING");
    const idle = performance.now();
    await until(() => performance.now() - idle > 1_050);
    proxy.cut();
    assertEquals(await client.send("INCR", ["once"]), 1);
  },
);

Deno.test.each(DRIVERS)(
  "a server that is not there at the start is found when it comes up over $name",
  async (way) => {
    const port = freePort();
    const states: string[] = [];
    await using subject = await way.connect(port, {
      onState: ({ state }) => states.push(state),
    });
    const call = subject.client.send("INCR", ["a"]);
    await until(() => states.length === 1);
    await using _server = await RedisServer.start({ port });
    assertEquals(await call, 1);
    assertEquals(states, ["down", "up"]);
  },
);

Deno.test.each(DRIVERS)(
  "onState() is told once per change over many failed tries over $name",
  async (way) => {
    await using server = await RedisServer.start();
    const states: string[] = [];
    await using subject = await way.connect(server.port, {
      onState: ({ state }) => states.push(state),
    });
    const { client } = subject;
    await client.send("PING");
    for (let round = 1; round <= 2; round++) {
      await server.kill();
      const call = client.send("PING", [], { resend: true });
      const since = performance.now();
      await until(() =>
        states.length === 2 * round - 1 && performance.now() - since > 300
      );
      await server.restart();
      await call;
    }
    assertEquals(states, ["down", "up", "down", "up"]);
  },
);

Deno.test.each(DRIVERS)(
  "a call that waited connectTimeout is rejected as not sent over $name",
  async (way) => {
    const port = freePort();
    await using subject = await way.connect(port, { connectTimeout: 250 });
    const error = await rejection(subject.client.send("PING"));
    assert(error instanceof ConnectionLostError);
    assertEquals(error.sent, false);
    assertEquals(
      error.message,
      `Cannot reach Redis at redis://127.0.0.1:${port}: connection refused, gave up after 0.25 s`,
    );
  },
);

Deno.test("the message about an unreachable server masks the password", async () => {
  const port = freePort();
  const url = `redis://:hunter2@127.0.0.1:${port}/2`;
  await using client = connect(url, { connectTimeout: 100 });
  assertEquals(
    (await rejection(client.send("PING"))).message,
    `Cannot reach Redis at redis://:***@127.0.0.1:${port}/2: connection refused, gave up after 0.1 s`,
  );
});

async function passesBlackHole(
  client: RedisClient,
  states: string[],
  dig: () => void,
  fill: () => void,
): Promise<void> {
  await client.send("PING");
  dig();
  const error = rejection(client.send("GET", ["a"]));
  const again = client.send("ECHO", ["again"], { resend: true });
  const lost = await error;
  assert(lost instanceof ConnectionLostError);
  assertEquals(lost.sent, true);
  assert(lost.message.endsWith("no reply within 0.3 s"), lost.message);
  assertEquals(states, ["down"]);
  fill();
  assertEquals(await again, "again");
  assertEquals(states, ["down", "up"]);
}

Deno.test.each(DRIVERS)(
  "the watchdog notices a stopped server over $name",
  async (way) => {
    await using server = await RedisServer.start();
    const states: string[] = [];
    await using subject = await way.connect(server.port, {
      replyTimeout: 300,
      onState: ({ state }) => states.push(state),
    });
    await passesBlackHole(
      subject.client,
      states,
      () => server.pause(),
      () => server.resume(),
    );
  },
);

Deno.test.each(DRIVERS)(
  "the watchdog notices a network that swallows over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    const states: string[] = [];
    await using subject = await way.connect(proxy.port, {
      replyTimeout: 300,
      onState: ({ state }) => states.push(state),
    });
    await passesBlackHole(
      subject.client,
      states,
      () => proxy.deaf = proxy.mute = true,
      () => proxy.deaf = proxy.mute = false,
    );
    assert(proxy.accepted >= 2);
  },
);

Deno.test.each(DRIVERS)(
  "dialling a server that accepts and says nothing ends in time over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using proxy = new Proxy(server.port);
    proxy.deaf = true;
    await using subject = await way.connect(proxy.port, {
      replyTimeout: 500,
      connectTimeout: 1_200,
    });
    const error = await rejection(subject.client.send("PING"));
    assertEquals(
      error.message,
      `Cannot reach Redis at ${subject.client.url}: no answer within 0.5 s, gave up after 1.2 s`,
    );
    proxy.deaf = false;
    assertEquals(await subject.client.send("PING"), "PONG");
  },
);

Deno.test.each(DRIVERS)(
  "close() ends the tries to connect at once over $name",
  async (way) => {
    const subject = await way.connect(freePort(), { connectTimeout: Infinity });
    const error = rejection(subject.client.send("PING"));
    await subject.client.close();
    assert(await error instanceof ConnectionLostError);
  },
);
