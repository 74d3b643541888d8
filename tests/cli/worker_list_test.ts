import { assertEquals, assertMatch } from "@std/assert";
import { Bench, WorkerProcess } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { run } from "./support.ts";

Deno.test("worker list shows workers, dead ones as such", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const env = { REDIS_URL: redis.url };
  const list = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(
      ["worker", "list", ...args],
      env,
    );
    assertEquals([code, stderr], [0, ""]);
    return stdout.trimEnd().split("\n");
  };
  assertEquals(await list(), ["No workers"]);
  const listen = (...args: string[]) =>
    WorkerProcess.listening([...args, "--url", redis.url]);
  await using _one = await listen("high", "low", "--name", "w1");
  await using _two = await listen("other", "--name", "w2");
  const rows = (await list()).map((line) => line.split(/ {2,}/));
  assertEquals(rows.map(([name]) => name), ["NAME", "w1", "w2"]);
  assertEquals(rows[1]!.slice(1, 7), [
    "idle",
    "high,low",
    "-",
    "0",
    "0",
    "0.0 s",
  ]);
  assertMatch(rows[1]!.at(-1)!, /^deno /);
  assertEquals((await list("low", "nobody's")).length, 2);
  const [json] = await list("low", "--json");
  const [{ name, isAlive, queues }] = JSON.parse(json!);
  assertEquals([name, isAlive, queues], ["w1", true, ["high", "low"]]);
  assertEquals(await list("nobody's", "--json"), ["[]"]);

  const gone = { x_instance: "i", x_heartbeat: 1, queues: "low" };
  const fields = Object.entries(gone).flat();
  await bench.client.send("HSET", ["rq:worker:w0", ...fields]);
  await bench.client.send("SADD", ["rq:workers", "rq:worker:w0"]);
  assertMatch((await list())[1]!, /^w0 +dead +low /);
});
