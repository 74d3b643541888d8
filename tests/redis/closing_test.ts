import { assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { RedisServer } from "../support/redis_server.ts";
import { DRIVERS, until } from "./support.ts";

/** Calls that make a client connect. */
const DIALS: readonly ((client: RedisClient) => Promise<unknown>)[] = [
  (client) => client.send("PING"),
  (client) => client.blocking().send("BLPOP", ["x", 0], { blockMs: 1_000 }),
  (client) => client.subscribe("channel", () => undefined),
];

/**
 * Waits for a moment during the dialling. The thread is blocked before a timer, so that the
 * event loop handles the timer and the socket, open by then, in the same turn.
 */
async function moment(i: number): Promise<void> {
  for (let turn = 0; turn < i % 4; turn++) await timer(0);
  const due = timer(1);
  const held = performance.now() + (i % 5) / 2;
  while (performance.now() < held);
  if (i % 7 !== 0) await due;
}

function timer(delay: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delay));
}

Deno.test.each(DRIVERS)(
  "a client closed at any moment of its dialling leaves no connection over $name",
  async (way) => {
    await using server = await RedisServer.start();
    await using probe = connect(server.url, { name: "probe" });
    const connections = async () =>
      String(await probe.send("CLIENT", ["LIST"])).trim().split("\n").length;
    await probe.send("PING");
    for (let i = 0; i < 300; i++) {
      const { client } = await way.connect(server.port);
      const asked = DIALS[i % 3]!(client).catch(() => undefined);
      await moment(i);
      await client.close();
      await asked;
    }
    await until(async () => await connections() === 1).catch(() => undefined);
    assertEquals(await connections(), 1);
  },
);
