import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { ConnectionLostError } from "../../lib/redis/redis_client.ts";
import { RedisServer } from "../support/redis_server.ts";
import { DRIVERS, rejection, until } from "./support.ts";

const WORDS = "ERR max number of clients reached";

/** Opens connections until the server takes no more. */
async function fill(server: RedisServer): Promise<AsyncDisposableStack> {
  const open = new AsyncDisposableStack();
  const keeper = open.use(connect(server.url));
  await keeper.send("CONFIG", ["SET", "maxclients", 1]);
  return open;
}

Deno.test.each(DRIVERS)(
  "a server that has too many clients is understood, at every try, over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using _keeper = await fill(server);
    const tries = Array.from({ length: 10 }, async () => {
      const told: string[] = [];
      await using subject = await way.connect(server.port, {
        connectTimeout: 2_000,
        onState: (state) => {
          if (state.state === "down") told.push(state.error.message);
        },
      });
      const error = await rejection(subject.client.send("PING"));
      assert(error instanceof ConnectionLostError);
      const text = `Cannot reach Redis at ${subject.client.url}: ${WORDS}`;
      assertEquals(error.message, `${text}, gave up after 2 s`);
      assertEquals(told, [text]);
    });
    await Promise.all(tries);
  },
);

Deno.test.each(DRIVERS)(
  "a client that gets no further connection is told why, once, and gets it when there is room, over $name",
  async (way) => {
    await using server = await RedisServer.start();
    const warnings: string[] = [];
    await using subject = await way.connect(server.port, {
      onWarning: (text) => warnings.push(text),
    });
    const { client } = subject;
    await client.send("CONFIG", ["SET", "maxclients", 1]);
    const blocking = client.blocking();
    const pop = blocking.send("BLPOP", ["list", 0], { blockMs: 60_000 });
    const subscribing = client.subscribe("channel", () => undefined);
    await until(() => warnings.length > 0);
    assertEquals(blocking.connected, false);
    await client.send("CONFIG", ["SET", "maxclients", 100]);
    await client.send("RPUSH", ["list", "job"]);
    assertEquals(await pop, ["list", "job"]);
    assertEquals(blocking.connected, true);
    await subscribing;
    assertEquals(warnings, [
      `Cannot open a further connection to Redis at ${client.url}: ${WORDS}; it keeps trying`,
    ]);
  },
);
