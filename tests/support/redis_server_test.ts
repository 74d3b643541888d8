import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { freePort, RedisServer } from "./redis_server.ts";

Deno.test("RedisServer.start() says so if the server does not take its arguments", async () => {
  await assertRejects(
    () => RedisServer.start({ args: ["--no-such-setting", "1"] }),
    Error,
    "Cannot start redis-server",
  );
});

Deno.test("RedisServer.start() does not take the server that has the port for its own", async () => {
  const port = freePort();
  await using first = await RedisServer.start({ port });
  await assertRejects(() => RedisServer.start({ port }), Error, `${port}`);
  await using client = connect(first.url);
  assertEquals(await client.send("PING"), "PONG");
});

Deno.test("a server that asks for a password is taken for started", async () => {
  await using server = await RedisServer.start({
    args: ["--requirepass", "secret"],
  });
  await using client = connect(`redis://:secret@127.0.0.1:${server.port}`);
  assertEquals(await client.send("PING"), "PONG");
});

Deno.test("a server that is paused can be killed, restarted empty and disposed of twice", async () => {
  const server = await RedisServer.start();
  await using client = connect(server.url);
  await client.send("SET", ["a", "1"]);
  server.pause();
  await server.kill();
  await server.restart();
  assertEquals(await client.send("GET", ["a"], { resend: true }), null);
  await server[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  const refused = await Deno.connect({
    hostname: "127.0.0.1",
    port: server.port,
  })
    .then((connection) => connection.close(), (error: unknown) => error);
  assert(refused instanceof Deno.errors.ConnectionRefused);
});
