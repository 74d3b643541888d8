import { assert, assertEquals, assertThrows } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { parseUrl } from "../../lib/redis/url.ts";
import { FakeServer, rejection, until } from "./support.ts";

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

/** URLs that redis-py's `from_url` accepts, and what they mean. */
const OF_PYTHON = [
  ["redis://alice@h", { username: "alice", db: 0 }],
  ["redis://alice:@h", { username: "alice", db: 0 }],
  ["redis://:s@h/3", { password: "s", db: 3 }],
  ["redis://h/3/", { db: 3 }],
  ["redis://h/", { db: 0 }],
  ["redis://h/3?db=4", { db: 4 }],
  ["redis://h?password=s", { password: "s", db: 0 }],
  ["redis://h?username=u&password=a%26b+c", {
    username: "u",
    password: "a&b c",
    db: 0,
  }],
  ["redis://u:s@h?username=v&password=t", {
    username: "u",
    password: "s",
    db: 0,
  }],
  ["redis://h?socket_timeout=5&health_check_interval=30", { db: 0 }],
  ["rediss://h?ssl_cert_reqs=required&ssl_check_hostname=True", { db: 0 }],
  ["unix:///run/r.sock", { db: 0 }],
  ["unix://:s@/run/r.sock", { password: "s", db: 0 }],
  ["unix://u:s%2F@/run/r.sock?db=2", { username: "u", password: "s/", db: 2 }],
  ["unix://u@/run/r.sock", { username: "u", db: 0 }],
  ["unix:///run/r.sock?db=2&password=s", { password: "s", db: 2 }],
  ["unix:/run/r.sock?username=u", { username: "u", db: 0 }],
] as const;

Deno.test.each(OF_PYTHON.map(([url, credentials]) => ({ url, credentials })))(
  'parseUrl() reads "$url" as redis-py does, and shows no password',
  ({ url, credentials }) => {
    const target = parseUrl(url);
    assertEquals<unknown>(target.credentials, credentials);
    const { address } = target;
    if (url.startsWith("unix")) assertEquals(address, { path: "/run/r.sock" });
    else assertEquals("hostname" in address && address.hostname, "h");
    if ("password" in credentials) assert(target.url.includes(":***@"));
    // The shown URL can be parsed again, to the same server, user and database.
    const again = parseUrl(target.url);
    assertEquals(again.address, address);
    assertEquals(again.credentials.username, target.credentials.username);
    assertEquals(again.credentials.db, target.credentials.db);
  },
);

Deno.test("parseUrl() reads the authority of a TLS server from a file and from the URL", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "from a file");
  const query = new URLSearchParams({
    ssl_ca_certs: path,
    ssl_ca_data: "from the URL",
  });
  const { caCerts } = parseUrl(`rediss://h?${query}`);
  assertEquals(caCerts, ["from the URL", "from a file"]);
  await Deno.remove(path);
  assertThrows(
    () => parseUrl(`rediss://h?${query}`),
    TypeError,
    "its ssl_ca_certs cannot be read",
  );
});

Deno.test.each([
  "localhost:6379",
  "not a url",
  "",
  "http://:hunter2@localhost",
  "user:hunter2@localhost:6379",
  "hunter2:x",
  "hunter2",
  "redis://:hunter2@localhost/zero",
  "redis://:hunter2@localhost/1/2",
  "redis://:hunter2@localhost/-1",
  "redis://:hunter2@localhost?ssl=true",
  "redis://localhost?password=hunter2&ssl=true",
  "redis://localhost?pasword=hunter2",
  "redis://localhost/x?password=hunter2",
  "redis:///0?password=hunter2",
  "redis://h:70000?password=hunter2",
  "redis://h:x?password=hunter2",
  "redis:///0",
  // Passwords with characters of their own that would have to be encoded.
  "redis://u:1/hunter2@localhost:6379/0",
  "redis://u:1?hunter2@localhost:6379/0",
  "redis://u:1#hunter2@localhost:6379/0",
  "redis://:hunter2%@localhost",
  "redis://localhost?db=hunter2",
  "redis://localhost#hunter2",
  "unix:redis.sock",
  "unix:/",
  "unix://:hunter2@localhost/run/r.sock",
  "unix://u:hunter2@",
  "unix:///run/r.sock?pass=hunter2",
  "unix:///run/r.sock?password=hunter2&db=x",
  "unix://:hunter2%@/run/r.sock",
  "unix:///run/r.sock#hunter2",
  "rediss://:hunter2@localhost?ssl_cert_reqs=none",
  "rediss://:hunter2@localhost?ssl_cert_reqs=optional",
  "rediss://:hunter2@localhost?ssl_check_hostname=false",
  "rediss://localhost?ssl_keyfile=/k&ssl_password=hunter2",
  "redis://:hunter2@localhost?ssl_ca_certs=/ca.pem",
])('parseUrl() refuses "%s" and shows nothing of it', (url) => {
  const error = assertThrows(() => parseUrl(url), TypeError);
  assert(error.message.startsWith("Cannot use the Redis URL: "), error.message);
  const shown = Deno.inspect(error).split("\n").filter((line) =>
    !line.startsWith("    at ")
  );
  assert(!shown.join().includes("hunter2"), shown.join());
});

Deno.test("the error of a lost connection does not show what was on its way to Redis", async () => {
  const answers: Record<string, string> = {
    ...{ AUTH: "+OK\r\n", PING: "+PONG\r\n", INFO: "$0\r\n\r\n" },
    ...{ CLIENT: ":1\r\n", GET: "$1\r\nx\r\n" },
  };
  await using server = new FakeServer(([name]) => answers[name!] ?? "");
  await using client = connect(`redis://u:hunter2@127.0.0.1:${server.port}`, {
    driver: "ioredis",
  });
  const got = client.send("GET", ["key"]).catch(() => undefined);
  const error = rejection(client.send("SET", ["key", "hunter2"]));
  await until(() => server.commands.some(([name]) => name === "SET"));
  server.cut();
  const shown = Deno.inspect(await error, { depth: 20 });
  assert(shown.startsWith("ConnectionLostError: Lost"), shown);
  assert(!shown.includes("hunter2"), shown);
  await got;
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
