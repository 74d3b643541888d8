import { assertEquals, assertMatch } from "@std/assert";
import { Bench } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { run } from "./support.ts";

Deno.test("job signal gives a job a signal, once, and its value", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const { id } = await bench.queue("low").enqueue("steps.waits", "/dev/null");
  const first = await run(
    ["job", "signal", id, "approval", `{"by":"me"}`],
    env,
  );
  assertEquals(first, {
    code: 0,
    stdout: `Job ${id} has the signal "approval"\n`,
    stderr: "",
  });
  assertMatch(
    `${await bench.field(`rq:job:${id}`, "x_signal:approval")}`,
    /^[\w-]+ {"by":"me"}$/,
  );
  const again = await run(["job", "signal", id, "approval", "--json"], env);
  assertEquals(
    [again.code, JSON.parse(again.stdout)],
    [1, { id, signal: "approval", counts: false }],
  );
});

Deno.test("job signal ends with 2 for what it cannot read, and with 1 for what does not exist", async () => {
  await using redis = await RedisServer.start();
  const env = { REDIS_URL: redis.url };
  const codes = await Promise.all([
    run(["job", "signal", "a"], env),
    run(["job", "signal", "a", "go", "{"], env),
    run(["job", "signal", "a", "go"], env),
  ]);
  assertEquals(codes.map(({ code }) => code), [2, 2, 1]);
  assertMatch(codes[1].stderr, /^Cannot read the value as JSON: /);
  assertMatch(codes[2].stderr, /^No such job "a"/);
});
