import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { ConnectionRefusedError } from "../../lib/redis/redis_client.ts";
import { RedisServer } from "../support/redis_server.ts";
import { bulk, FakeServer, rejection, until } from "./support.ts";

const PASSWORD = ["--requirepass", "p@ss/word"];
const NAMES = ["@db/redis", "ioredis"] as const;

Deno.test.each(NAMES)(
  "user, password, database and name reach the server over %s",
  async (driver) => {
    await using server = await RedisServer.start({ args: PASSWORD });
    const url = `redis://default:p%40ss%2Fword@127.0.0.1:${server.port}/5`;
    await using client = connect(url, { driver, name: "worker-1" });
    const info = String(await client.send("CLIENT", ["INFO"]));
    assert(/ db=5 /.test(info) && / name=worker-1 /.test(info), info);
    assert(/ user=default /.test(info) && / resp=2/.test(info), info);
    assertEquals(client.url, `redis://default:***@127.0.0.1:${server.port}/5`);
  },
);

Deno.test.each(NAMES)(
  "a user without a password is logged in as such over %s",
  async (driver) => {
    await using server = await RedisServer.start({
      args: [
        ...["--user", "default", "on", "nopass", "~*", "+@all"],
        ...["--user", "alice", "on", "nopass", "~*", "+@all"],
        ...["--user", "bob", "on", ">secret", "~*", "+@all"],
      ],
    });
    const { host } = new URL(server.url);
    await using alice = connect(`redis://alice@${host}`, { driver });
    assertEquals(await alice.send("ACL", ["WHOAMI"]), "alice");
    await using bob = connect(`redis://${host}?username=bob&password=secret`, {
      driver,
    });
    assertEquals(await bob.send("ACL", ["WHOAMI"]), "bob");
    assertEquals(bob.url, `redis://bob:***@${host}`);
    await using nobody = connect(`redis://bob@${host}`, { driver });
    const error = await rejection(nobody.send("PING"));
    assert(error instanceof ConnectionRefusedError, String(error));
  },
);

Deno.test.each(
  [
    ["unix://:secret@PATH", "default", 0],
    ["unix://bob:s%40@PATH?db=2", "bob", 2],
    ["unix:PATH?db=2&username=bob&password=s%40", "bob", 2],
    ["unix://PATH?password=secret&db=3", "default", 3],
  ] as const,
)(
  "a socket's URL %s logs in as %s, database %i",
  async (url, user, db) => {
    const directory = await Deno.makeTempDir();
    const path = `${directory}/r.sock`;
    await using _server = await RedisServer.start({
      args: [
        ...["--unixsocket", path, "--requirepass", "secret"],
        ...["--user", "bob", "on", ">s@", "~*", "+@all"],
      ],
    });
    await using client = connect(url.replace("PATH", path));
    const info = String(await client.send("CLIENT", ["INFO"]));
    assert(
      info.includes(` user=${user} `) && info.includes(` db=${db} `),
      info,
    );
    assert(!/secret|s%40|s@/.test(client.url), client.url);
    await Deno.remove(directory, { recursive: true });
  },
);

Deno.test.each(NAMES)(
  "a wrong password rejects pending and further calls for good over %s",
  async (driver) => {
    await using server = await RedisServer.start({ args: PASSWORD });
    const states: string[] = [];
    await using client = connect(`redis://:wrong@127.0.0.1:${server.port}`, {
      driver,
      connectTimeout: Infinity,
      onState: ({ state }) => states.push(state),
    });
    const errors = await Promise.all([
      rejection(client.send("PING")),
      rejection(client.send("PING", [], { resend: true })),
    ]);
    errors.push(await rejection(client.send("PING")));
    for (const error of errors) {
      assert(error instanceof ConnectionRefusedError);
      assertEquals(
        error.message,
        `Redis at redis://:***@127.0.0.1:${server.port} refused the password (WRONGPASS invalid username-password pair or user is disabled.)`,
      );
    }
    assertEquals(states, ["down"]);
    const blocked = client.blocking().send("BLPOP", ["a", 0], { blockMs: 0 });
    assert(await rejection(blocked) instanceof ConnectionRefusedError);
    const subscribed = client.subscribe("a", () => undefined);
    assert(await rejection(subscribed) instanceof ConnectionRefusedError);
  },
);

Deno.test.each(NAMES)(
  "a missing password is refused for good over %s",
  async (driver) => {
    await using server = await RedisServer.start({ args: PASSWORD });
    await using client = connect(server.url, { driver });
    const error = await rejection(client.send("PING"));
    assert(error instanceof ConnectionRefusedError);
    assertEquals(
      error.message,
      `Redis at ${server.url} needs a password (NOAUTH Authentication required.)`,
    );
  },
);

Deno.test.each(NAMES)(
  "a database that is not there is refused for good over %s",
  async (driver) => {
    await using server = await RedisServer.start();
    await using client = connect(`${server.url}/99`, { driver });
    const error = await rejection(client.send("PING"));
    assert(error instanceof ConnectionRefusedError);
    assertEquals(
      error.message,
      `Redis at ${server.url}/99 refused the database (ERR DB index is out of range)`,
    );
  },
);

/** A server whose INFO is what a function returns. */
function pretend(info: () => string): FakeServer {
  return new FakeServer(([name = ""]) => {
    if (name.toUpperCase() === "INFO") return bulk(info());
    if (name.toUpperCase() === "CLIENT") return ":7\r\n";
    return "+PONG\r\n";
  });
}

Deno.test.each(NAMES)(
  "a Redis older than 6.2 is refused for good over %s",
  async (driver) => {
    await using server = pretend(() => "redis_version:6.0.16\r\n");
    const url = `redis://127.0.0.1:${server.port}`;
    await using client = connect(url, { driver });
    const error = await rejection(client.send("PING"));
    assert(error instanceof ConnectionRefusedError);
    assertEquals(
      error.message,
      `Redis at ${url} is version 6.0.16; 6.2 or newer is needed`,
    );
  },
);

Deno.test.each([
  ["loading", "redis_version:7.0.0\r\nloading:1\r\n"],
  [
    "a read-only replica",
    "redis_version:7.0.0\r\nrole:slave\r\nslave_read_only:1\r\n",
  ],
])("a server that is %s is waited for", async (_, now) => {
  let info: string = now;
  await using server = pretend(() => info);
  const states: string[] = [];
  await using client = connect(`redis://127.0.0.1:${server.port}`, {
    onState: ({ state }) => states.push(state),
  });
  const call = client.send("ECHO", ["x"]);
  await until(() => states.length === 1);
  info = "redis_version:7.0.0\r\nloading:0\r\nrole:master\r\n";
  assertEquals(await call, "PONG");
  assertEquals(states, ["down", "up"]);
});

Deno.test("a server that denies INFO and CLIENT is used all the same", async () => {
  await using server = new FakeServer(([name = ""]) =>
    /INFO|CLIENT/i.test(name)
      ? `-NOPERM this user has no permissions to run '${name}'\r\n`
      : "+PONG\r\n"
  );
  await using client = connect(`redis://127.0.0.1:${server.port}`);
  assertEquals(await client.send("ECHO", ["x"]), "PONG");
});

Deno.test("an error reply READONLY makes the client look for the server again", async () => {
  let failed = false;
  await using server = new FakeServer(([name = ""]) => {
    if (name === "SET" && !failed) {
      failed = true;
      return "-READONLY You can't write against a read only replica.\r\n";
    }
    if (name === "INFO") return bulk("redis_version:7.0.0\r\n");
    return name === "PING" ? "+PONG\r\n" : "+OK\r\n";
  });
  const states: string[] = [];
  await using client = connect(`redis://127.0.0.1:${server.port}`, {
    onState: ({ state }) => states.push(state),
  });
  const error = await rejection(client.send("SET", ["a", 1]));
  assert(error.message.startsWith("READONLY"));
  assertEquals(await client.send("SET", ["a", 1]), "OK");
  assertEquals(states, ["down", "up"]);
});

Deno.test.each(NAMES)(
  "a policy that evicts is warned of once per client over %s",
  async (driver) => {
    await using server = await RedisServer.start({
      args: ["--maxmemory-policy", "allkeys-lru"],
    });
    const warnings: string[] = [];
    await using client = connect(server.url, {
      driver,
      onWarning: (message) => warnings.push(message),
    });
    await client.send("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "no"]);
    await client.send("PING", [], { resend: true });
    const blocking = client.blocking();
    await blocking.send("BLPOP", ["a", 0.01], { blockMs: 10 });
    assertEquals(warnings, [
      `Redis at ${server.url} may evict jobs: its maxmemory-policy is allkeys-lru, set it to noeviction`,
    ]);
  },
);

Deno.test("noeviction is not warned of", async () => {
  await using server = await RedisServer.start();
  const warnings: string[] = [];
  await using client = connect(server.url, {
    onWarning: (message) => warnings.push(message),
  });
  await client.send("PING");
  assertEquals(warnings, []);
});
