import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import {
  ConnectionLostError,
  type RedisClient,
  ReplyError,
} from "../../lib/redis/redis_client.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { DRIVERS, rejection, until, WAYS } from "./support.ts";

/** Publishes until somebody hears it. */
async function publish(client: RedisClient, message: string): Promise<void> {
  await until(async () =>
    await client.send("PUBLISH", ["channel", message], { resend: true }) === 1
  );
}

Deno.test.each(WAYS)(
  "subscribe() resolves once the subscription is confirmed over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    for (let i = 0; i < 10; i++) {
      const messages: string[] = [];
      // Each time another one: Redis may not have seen yet that the last subscriber is gone.
      const channel = `channel-${i}`;
      await using _subscription = await client.subscribe(
        channel,
        (message) => messages.push(message),
      );
      assertEquals(await client.send("PUBLISH", [channel, "ä"]), 1);
      assertEquals(await client.send("PUBLISH", [channel, ""]), 1);
      await until(() => messages.length === 2);
      assertEquals(messages, ["ä", ""]);
    }
  },
);

Deno.test.each(DRIVERS)(
  "a subscription is made again after CLIENT KILL over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const messages: string[] = [];
    await using _subscription = await client.subscribe(
      "channel",
      (message) => messages.push(message),
    );
    for (let i = 1; i <= 3; i++) {
      assertEquals(await client.send("CLIENT", ["KILL", "TYPE", "pubsub"]), 1);
      await publish(client, String(i));
      await until(() => messages.length === i);
    }
    assertEquals(messages, ["1", "2", "3"]);
  },
);

Deno.test.each(DRIVERS)(
  "a subscription is made again after a restart of a server with a password over $name",
  async (way) => {
    await using server = await RedisServer.start({
      args: ["--requirepass", "secret"],
    });
    await using client = connect(`redis://:secret@127.0.0.1:${server.port}`, {
      driver: way.name === "ioredis" ? "ioredis" : "@db/redis",
    });
    const messages: string[] = [];
    await using _subscription = await client.subscribe(
      "channel",
      (message) => messages.push(message),
    );
    await server.kill();
    await server.restart();
    await publish(client, "back");
    await until(() => messages.length === 1);
  },
);

Deno.test.each(DRIVERS)(
  "restart() makes a new connection and subscribes again over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const messages: string[] = [];
    await using subscription = await client.subscribe(
      "channel",
      (message) => messages.push(message),
    );
    const listed = () => client.send("CLIENT", ["LIST", "TYPE", "pubsub"]);
    const id = (list: unknown) => /^id=(\d+)/.exec(String(list))?.[1];
    const before = id(await listed());
    subscription.restart();
    await until(async () => ![undefined, before].includes(id(await listed())));
    await publish(client, "again");
    await until(() => messages.length === 1);
  },
);

Deno.test.each(DRIVERS)(
  "close() ends the subscription over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    const subscription = await client.subscribe("channel", () => undefined);
    await subscription.close();
    await until(async () =>
      await client.send("PUBLISH", ["channel", "x"]) === 0
    );
    await subscription.close();
  },
);

Deno.test.each(DRIVERS)(
  "subscribe() rejects if there is no server in time over $name",
  async (way) => {
    const port = freePort();
    await using subject = await way.connect(port, { connectTimeout: 200 });
    const error = await rejection(
      subject.client.subscribe("channel", () => undefined),
    );
    assert(error instanceof ConnectionLostError);
    assertEquals(
      error.message,
      `Cannot reach Redis at redis://127.0.0.1:${port}: connection refused, gave up after 0.2 s`,
    );
  },
);

Deno.test.each(DRIVERS)(
  "subscribe() rejects if the user may not listen there over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using subject = await way.connect(server.port);
    const { client } = subject;
    await client.send("ACL", ["SETUSER", "default", "resetchannels"]);
    const error = await rejection(client.subscribe("channel", () => undefined));
    assert(error instanceof ReplyError);
    assertEquals(error.code, "NOPERM");
  },
);
