import { assert, assertEquals, assertThrows } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { parseUrl } from "../../lib/redis/url.ts";

Deno.test("parseUrl() reads all parts of a URL", () => {
  assertEquals(parseUrl("redis://us%40er:p%3Aw%2Fd@example.com:6380/12"), {
    address: { hostname: "example.com", port: 6380, tls: false },
    credentials: { username: "us@er", password: "p:w/d", db: 12 },
    url: "redis://us%40er:***@example.com:6380/12",
  });
  assertEquals(parseUrl(new URL("rediss://:secret@[::1]/")), {
    address: { hostname: "::1", port: 6379, tls: true },
    credentials: { password: "secret", db: 0 },
    url: "rediss://:***@[::1]:6379",
  });
  assertEquals(parseUrl("redis://localhost?db=4").credentials, { db: 4 });
  assertEquals(parseUrl("unix:/run/my%20redis.sock?db=1"), {
    address: { path: "/run/my redis.sock" },
    credentials: { db: 1 },
    url: "unix:/run/my redis.sock?db=1",
  });
});

Deno.test.each([
  "localhost:6379",
  "not a url",
  "",
  "http://:hunter2@localhost",
  "redis://:hunter2@localhost/zero",
  "redis://:hunter2@localhost/1/2",
  "redis://:hunter2@localhost/-1",
  "redis://:hunter2@localhost?ssl=true",
  "redis:///0",
  "unix:redis.sock",
  "unix:/",
  "redis://:hunter2%@localhost",
])('parseUrl() refuses "%s" and shows no password', (url) => {
  const error = assertThrows(() => parseUrl(url), TypeError);
  assert(error.message.startsWith("Cannot "), error.message);
  assert(!error.message.includes("hunter2"), error.message);
});

Deno.test("connect() refuses what is neither a URL nor a client", () => {
  assertThrows(() => connect({} as unknown as string), TypeError, "neither");
  assertThrows(
    () => connect("unix:/tmp/redis.sock", { driver: "@db/redis" }),
    TypeError,
    'use the driver "ioredis"',
  );
  assertThrows(
    () => connect("redis://localhost", { connectTimeout: 0 }),
    RangeError,
    "connectTimeout",
  );
});
