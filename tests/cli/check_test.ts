import { assertEquals, assertMatch } from "@std/assert";
import { Bench, type Ended, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";

async function check(
  args: readonly string[],
  flags: readonly string[] = ["--allow-all"],
): Promise<Ended> {
  await using program = new WorkerProcess(["low", "--check", ...args], {
    flags,
  });
  return await program.ended();
}

Deno.test("worker --check says that a worker could start, and leaves no trace", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("jobs.nothing");
  const keys = await bench.client.send("KEYS", ["*"]);
  assertEquals(await check(["--url", redis.url]), {
    code: 0,
    stdout: "A worker could start\n",
    stderr: "",
  });
  assertEquals(await bench.client.send("KEYS", ["*"]), keys);
  assertEquals(await job.getStatus(), "queued");
});

Deno.test("worker --check says what is missing, and ends with 1", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const url = ["--url", redis.url];
  await bench.client.send("ACL", [
    ...["SETUSER", "reader", "on", ">pass", "~*", "&*"],
    ...["+@read", "+@connection"],
  ]);
  const reader = redis.url.replace("//", "//reader:pass@");
  for (
    const [args, says, flags] of [
      [["--url", reader], /NOPERM/],
      [["--url", redis.url.replace("//", "//x:y@")], /WRONGPASS/],
      [[...url, "--deno", "/no/such/deno"], /\/no\/such\/deno/],
      [[...url, "--job-deno-arg", "--no-such-flag"], /no-such-flag/],
      [
        url,
        /needs --allow-run/,
        ["--no-prompt", "--allow-net", "--allow-env", "--allow-read"],
      ],
    ] as const
  ) {
    const { code, stdout, stderr } = await check(args, flags);
    assertEquals([code, stdout], [1, ""], stderr);
    assertMatch(stderr, says);
  }
});
