/** Workers whose Redis user is restricted by ACL rules. */

import { assertEquals, assertMatch } from "@std/assert";
import { PROBED } from "../../lib/store/scripts/probe.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";
import { Queue } from "../../mod.ts";

/** The commands that a worker calls directly, as listed in the README. */
const DIRECT =
  "ping info select client|id client|info client|setname client|unblock eval evalsha blmove subscribe unsubscribe publish"
    .split(" ");
const RULES = [...DIRECT, ...PROBED.map((name) => name.toLowerCase())];

/** Runs a worker in burst mode as a user with these rules. */
async function workAs(rules: readonly string[]) {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const setUser = ["SETUSER", "rq", "on", ">secret", ...rules];
  await bench.client.send("ACL", setUser);
  const job = await bench.queue("low").enqueue("jobs.hello", "you");
  const url = redis.url.replace("redis://", "redis://rq:secret@");
  const ended = await burst(["low", "--url", url]);
  return { ...ended, status: await job.getStatus() };
}

const allow = (names: readonly string[]) => names.map((name) => `+${name}`);

/** The rules in the README. */
async function rulesOfReadme(): Promise<string[]> {
  const readme = await Deno.readTextFile(
    new URL("../../README.md", import.meta.url),
  );
  const [, rules = ""] = /^ACL SETUSER rq on >secret ([^`]+)$/m.exec(readme) ??
    [];
  return rules.trim().split(/\s+/);
}

Deno.test("a worker needs no more than what the README lists, nor does who enqueues and waits", async () => {
  const rules = await rulesOfReadme();
  assertEquals(RULES.filter((name) => !rules.includes(`+${name}`)), []);
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await bench.client.send("ACL", ["SETUSER", "rq", "on", ">secret", ...rules]);
  const url = redis.url.replace("redis://", "redis://rq:secret@");
  await using queue = new Queue("low", { connection: url });
  const job = await queue.enqueue("jobs.add", 1, 2);
  const waiting = job.wait({ timeout: 60 });
  const { code, stderr } = await burst(["low", "--url", url]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(await waiting, 3);
  await job.cancel();
  await job.delete();
});

const MISSING: readonly [string, RegExp][] = [
  ["eval", /'eval'/],
  ["evalsha", /'evalsha'/],
  ["client|info", /client/],
  ["zadd", /ZADD not allowed in scripts/],
  ["xadd", /XADD not allowed in scripts/],
  ["time", /TIME not allowed in scripts/],
];

Deno.test.each(MISSING)(
  "a worker that may not %s says so and touches no job",
  async (name, message) => {
    const rules = allow(RULES.filter((rule) => rule !== name));
    const ended = await workAs(["~rq:*", "&rq:*", ...rules]);
    assertEquals([ended.code, ended.status], [1, "queued"]);
    assertMatch(ended.stderr, message);
    assertMatch(ended.stderr, /its Redis user lacks a permission/);
  },
);

Deno.test("a worker that may not touch the keys of its prefix says so", async () => {
  const ended = await workAs(["~other:*", "&rq:*", ...allow(RULES)]);
  assertEquals([ended.code, ended.status], [1, "queued"]);
  assertMatch(ended.stderr, /its Redis user lacks a permission/);
});
