/** The worker's permission flags for jobs, and the error of a job that lacks one. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";

Deno.test.each([
  { name: "net", args: ["jobs.listens"] },
  { name: "env", args: ["jobs.readsEnv", "HOME"] },
  { name: "read", args: ["jobs.reads", "/etc/hostname"] },
])(
  "a job without the permission $name is told which flag of the worker gives it",
  async ({ name, args: [func, ...args] }) => {
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const job = await bench.queue("low").enqueue(func!, ...args);
    const { stderr } = await burst([
      "low",
      "--url",
      redis.url,
      "--job-allow-none",
    ]);
    const stored = await job.excInfo() ?? "";
    const text = new RegExp(
      `NotCapable: .*, start the worker with --job-allow-${name}`,
    );
    assertMatch(stored, text);
    assertMatch(stderr, text);
    assertEquals(`${stored}${stderr}`.includes("run again"), false);
  },
);

Deno.test("a job whose module may not be read is told which flag of the worker gives it", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("imports_by_name.run");
  await burst(["low", "--url", redis.url, "--job-allow-none"]);
  const stored = await job.excInfo() ?? "";
  assertMatch(stored, /access to .*, start the worker with --job-allow-read/);
});

Deno.test("--job-deny-net alone takes away the net, and nothing else", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const low = bench.queue("low");
  const listens = await low.enqueue("jobs.listens");
  const reads = await low.enqueue("jobs.readsEnv", "HOME");
  await burst(["low", "--url", redis.url, "--job-deny-net"]);
  assertStringIncludes(await listens.excInfo() ?? "", "NotCapable");
  assertEquals(await reads.result(), Deno.env.get("HOME"));
});
