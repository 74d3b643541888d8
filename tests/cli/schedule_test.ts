import { assertEquals, assertMatch } from "@std/assert";
import { Schedules } from "../../mod.ts";
import { Bench } from "../e2e/support.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testUnless } from "../support/skip.ts";
import { NO_TMUX } from "../support/tmux.ts";
import { onTerminal, run } from "./support.ts";

Deno.test("schedule list, pause, resume, run, runs and remove", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  const env = { REDIS_URL: redis.url };
  const ok = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(["schedule", ...args], env);
    assertEquals([code, stderr], [0, ""], args.join(" "));
    return stdout;
  };
  assertEquals(await ok("list"), "There are no schedules\n");
  const options = { func: "jobs.nothing", queue: "low" };
  await schedules.upsert("every year", "0 0 1 1 *", {
    ...options,
    timeZone: "Europe/Berlin",
  });
  await schedules.upsert("often", { every: "90m" }, options);
  const [header, ...rows] = (await ok("list")).trimEnd().split("\n");
  assertMatch(header!, /^NAME +WHEN +NEXT +LAST +QUEUE +FUNCTION$/);
  assertMatch(rows[0]!, /^often +every 1h 30m +\d+s ago +- +low +jobs\.not/);
  assertMatch(
    rows[1]!,
    /^every year +0 0 1 1 \* \(Europe\/Berlin\) +in \d+d.* +- +low/,
  );
  const listed = JSON.parse(await ok("list", "--json"));
  assertEquals(listed[1].name, "every year");
  assertEquals(
    listed[1].nextRun,
    (await schedules.get("every year"))!.nextRun!.toISOString(),
  );

  assertEquals(
    await ok("pause", "often", "every year"),
    "often is paused\nevery year is paused\n",
  );
  assertEquals((await schedules.get("often"))?.paused, true);
  assertMatch(await ok("list"), /^every year .* paused /m);
  const made = await ok("run", "every year");
  const [id = ""] = await bench.queue("low").jobIds();
  assertEquals(made, `every year: enqueued job ${id} on low\n`);
  assertMatch(
    await ok("runs", "every year"),
    new RegExp(`\n\\S+ \\S+ +by hand +enqueued +${id}\n$`),
  );
  assertEquals(
    JSON.parse(await ok("runs", "every year", "--json"))[0].jobId,
    id,
  );
  assertMatch(
    await ok("resume", "every year"),
    /^every year runs next at \d{4}-01-01 \S+\n$|-12-31 /,
  );
  assertEquals((await schedules.get("every year"))?.paused, false);

  const { code, stderr } = await run(["schedule", "remove", "often"], env);
  assertEquals(code, 2);
  assertMatch(stderr, /^Remove often\? There is nobody to ask: say --yes/);
  assertEquals(await ok("remove", "often", "--yes"), "often is removed\n");
  assertEquals(await schedules.get("often"), null);
});

testUnless(
  NO_TMUX,
  "schedule remove asks on a terminal, and does nothing without a yes",
  async () => {
    await using redis = await RedisServer.start();
    await using schedules = new Schedules({ connection: redis.url });
    const options = { func: "jobs.nothing", queue: "low" };
    await schedules.upsert("nightly", "0 0 1 1 *", options);
    for (
      const [answer, says, left] of [
        ["", /Nothing was done\nended with 1/, 1],
        ["no", /Nothing was done\nended with 1/, 1],
        ["y", /nightly is removed\nended with 0/, 0],
      ] as const
    ) {
      await using terminal = await onTerminal(
        ...["schedule", "remove", "nightly", "--url", redis.url],
      );
      await terminal.shows(/^Remove nightly\? \[y\/N\]/m);
      await terminal.type(answer, "Enter");
      await terminal.shows(says);
      assertEquals((await schedules.all()).length, left);
    }
  },
);

Deno.test("a schedule that there is not ends with 1 and one line", async () => {
  await using redis = await RedisServer.start();
  for (const args of [["pause"], ["resume"], ["run"], ["runs"], ["remove"]]) {
    const yes = args[0] === "remove" ? ["--yes"] : [];
    const { code, stdout, stderr } = await run(
      ["schedule", ...args, "none", ...yes, "--url", redis.url],
    );
    assertEquals([code, stdout], [1, ""]);
    assertEquals(stderr, 'There is no schedule "none"\n');
  }
});

Deno.test.each([
  [["schedule"], /^schedule needs a word more: schedule list\|runs\|pause/],
  [["schedule", "lst"], /did you mean schedule list\?/],
  [["schedule", "run"], /It needs the name of a schedule/],
  [["schedule", "runs", "a", "b"], /the name of one schedule/],
  [["schedule", "list", "a"], /Cannot use "a": it takes flags only/],
])("the mistake %j ends with 2 and one line", async (args, says) => {
  const { code, stderr } = await run(args);
  assertMatch(stderr, says);
  assertEquals([code, stderr.split("\n").length], [2, 2]);
});
