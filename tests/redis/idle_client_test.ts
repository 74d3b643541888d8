/** A client that closes its connection by itself. */

import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { IdleClient } from "../../lib/redis/idle_client.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitForEqual } from "../support/wait_for.ts";

/** How many clients are connected besides the one that asks. */
async function others(url: string): Promise<number> {
  await using client = connect(url);
  const list = String(await client.send("CLIENT", ["LIST"]));
  return list.trim().split("\n").length - 1;
}

Deno.test("IdleClient connects with a call, closes the connection when it is idle, and connects anew", async () => {
  await using server = await RedisServer.start();
  let opened = 0;
  await using client = new IdleClient(() => (opened++, connect(server.url)), 5);
  assertEquals([opened, await others(server.url)], [0, 0]);
  for (const times of [1, 2]) {
    const replies = await Promise.all([
      client.send("INCR", ["n"]),
      client.send("INCR", ["n"]),
    ]);
    assertEquals(replies, [2 * times - 1, 2 * times]);
    await waitForEqual(() => others(server.url), 0);
    assertEquals(opened, times);
  }
});

Deno.test("IdleClient keeps its connections open during a blocking call, and a blocking client works on after a break", async () => {
  await using server = await RedisServer.start();
  await using client = new IdleClient(() => connect(server.url), 1);
  await using blocking = client.blocking();
  await using pusher = connect(server.url);
  for (const value of ["a", "b"]) {
    const popped = blocking.send("BLPOP", ["list", 0], { blockMs: 60_000 });
    await waitForEqual(
      async () => /blocked_clients:1/.test(String(await pusher.send("INFO"))),
      true,
    );
    await pusher.send("RPUSH", ["list", value]);
    assertEquals(await popped, ["list", value]);
    await waitForEqual(() => others(server.url), 1); // the pusher
  }
});

Deno.test("IdleClient keeps its connection open until a subscription is closed", async () => {
  await using server = await RedisServer.start();
  await using client = new IdleClient(() => connect(server.url), 1);
  const heard: string[] = [];
  const subscription = await client.subscribe("c", (text) => heard.push(text));
  await client.send("PUBLISH", ["c", "one"]);
  await waitForEqual(() => Promise.resolve(heard.join()), "one");
  await subscription.close();
  await waitForEqual(() => others(server.url), 0);
});

Deno.test("IdleClient rejects a call if there can be no client, and tries again with the next", async () => {
  await using server = await RedisServer.start();
  let url = "ftp://nowhere";
  await using client = new IdleClient(() => connect(url), 5);
  await assertRejects(() => client.send("PING"), TypeError);
  url = server.url;
  assertEquals(await client.send("PING"), "PONG");
  await waitForEqual(() => others(server.url), 0);
});
