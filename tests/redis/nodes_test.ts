/** URLs that name Sentinels or servers of a Cluster. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseNodesUrl } from "../../lib/redis/nodes.ts";

Deno.test("parseNodesUrl() reads all parts", () => {
  const target = parseNodesUrl(
    "rediss-sentinel://us%40er:p%3Aw@one:1,[::1],three/my%20master/2?sentinel_password=s%26t&ssl_ca_data=PEM",
  );
  assertEquals(target.kind, "sentinel");
  assertEquals(target.nodes, [
    { hostname: "one", port: 1 },
    { hostname: "::1", port: 26_379 },
    { hostname: "three", port: 26_379 },
  ]);
  assertEquals(target.master, "my master");
  assertEquals(target.sentinelLogin, { password: "s&t" });
  assertEquals(target.server.credentials, {
    username: "us@er",
    password: "p:w",
    db: 2,
  });
  assertEquals(target.server.caCerts, ["PEM"]);
  assertEquals(
    target.url,
    "rediss-sentinel://us%40er:***@one:1,[::1]:26379,three:26379/my%20master/2",
  );
  const cluster = parseNodesUrl("redis-cluster://:s@a,b:7001");
  assertEquals(cluster.nodes.map(({ port }) => port), [6_379, 7_001]);
  assertEquals(cluster.server.credentials, { password: "s", db: 0 });
  assertEquals(cluster.url, "redis-cluster://:***@a:6379,b:7001");
});

Deno.test("the URL that is shown can be parsed again", () => {
  for (
    const url of [
      "redis-sentinel://h/m",
      "redis-sentinel://u@h,i:5/m/3",
      "rediss-cluster://h:1,i",
    ]
  ) {
    const { url: shown, nodes } = parseNodesUrl(url);
    assertEquals(parseNodesUrl(shown).nodes, nodes);
    assertEquals(parseNodesUrl(shown).url, shown);
  }
});

Deno.test.each([
  ["redis-sentinel://h", "the master's name"],
  ["redis-sentinel://h/", "the master's name"],
  ["redis-sentinel://h/m/0/more", "the master's name"],
  ["redis-sentinel://h/m/x", "not a number"],
  ["redis-sentinel:///m", "its hosts"],
  ["redis-sentinel://h,,i/m", "its hosts"],
  ["redis-sentinel://h:port/m", "its hosts"],
  ["redis-sentinel://u:secret@h:9@i/m", "it is not one such as"],
  ["redis-sentinel://h/m?secret=1", "a parameter other than"],
  ["redis-sentinel://u:%zzsecret@h/m", "percent-encoded"],
  ["redis-sentinel://h/%zzsecret", "percent-encoded"],
  ["redis-cluster://h/1", "only database 0"],
  ["redis-cluster://h/0/secret", "its path"],
  ["redis-cluster://h?sentinel_password=secret", "no Sentinels"],
])("parseNodesUrl() refuses %s, and shows nothing of it", (url, why) => {
  const error = assertThrows(() => parseNodesUrl(url), TypeError, why);
  assert(!error.message.includes("secret"), error.message);
});
