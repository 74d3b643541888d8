/** What comes over a worker's command channel, over a real Redis. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Commands } from "../../lib/worker/commands.ts";
import { RedisServer } from "../support/redis_server.ts";
import { connect } from "../../lib/redis/connect.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { echoing } from "../store/support.ts";
import { memoryLog } from "./support.ts";

const CHANNEL = "rq:pubsub:w1";

async function listening() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await RedisServer.start());
  const client = stack.use(connect(redis.url));
  const log = memoryLog();
  const done: string[] = [];
  let losesProbes = false;
  const errors: unknown[] = [];
  const commands = stack.use(
    new Commands({
      client: {
        ...echoing(client, () => {}),
        send: async (command, args, options) =>
          command === "PUBLISH" && losesProbes
            ? 0
            : await client.send(command, args, options),
      },
      channel: CHANNEL,
      log,
      onError: (error) => errors.push(error),
      target: {
        shutdown: () => done.push("shutdown"),
        killHorse: () => done.push("kill-horse"),
        stopJob: (jobId, executionId) =>
          done.push(`stop ${jobId} ${executionId ?? "any"}`),
        scheduled: (queue, ms) => done.push(`scheduled ${queue} ${ms}`),
        slotExpected: (ms) => done.push(`slot in ${ms}`),
      },
    }),
  );
  await commands.subscribe();
  const publish = (message: unknown) =>
    client.send("PUBLISH", [
      CHANNEL,
      typeof message === "string" ? message : JSON.stringify(message),
    ]);
  return {
    commands,
    losesProbes: () => {
      losesProbes = true;
    },
    publish,
    log,
    done,
    errors,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("each command is carried out, in the order in which it comes", async () => {
  await using at = await listening();
  await at.publish({ command: "kill-horse" });
  await at.publish({ command: "stop-job", job_id: "a" });
  const stop = { command: "stop-execution", job_id: "a", execution_id: "e" };
  await at.publish(stop);
  await at.publish({ command: "x-scheduled", queue: "q", ms: 5 });
  await at.publish({ command: "x-schedules", ms: 7 });
  await at.publish({ command: "shutdown" });
  await waitForEqual(() => at.done, [
    "kill-horse",
    "stop a any",
    "stop a e",
    "scheduled q 5",
    "slot in 7",
    "shutdown",
  ]);
  assertEquals(at.errors, []);
});

Deno.test("what is no command is told and ignored", async () => {
  await using at = await listening();
  const strange = [
    "no JSON",
    "null",
    "[]",
    { command: "dance" },
    { command: "stop-job" },
    { command: "stop-job", job_id: 5 },
    { command: "stop-execution", job_id: "a" },
    "x".repeat(10_000),
  ];
  for (const message of strange) await at.publish(message);
  await at.publish({ command: "shutdown" });
  await waitForEqual(() => at.done, ["shutdown"]);
  assertEquals(at.log.lines.length, strange.length);
  assert(at.log.lines.every((line) => line.length < 300));
  assertStringIncludes(at.log.lines[3]!, "dance");
});

Deno.test("a channel that does not hear its own probe is subscribed to anew, and hears again", async () => {
  await using at = await listening();
  at.losesProbes();
  await at.commands.runOnce();
  assertEquals(at.log.lines, []);
  await at.commands.runOnce();
  assertStringIncludes(at.log.lines[0]!, "ubscrib");
  await waitFor(async () => {
    await at.publish({ command: "shutdown" });
    return at.done.length > 0;
  });
  assertEquals(at.errors, []);
});

Deno.test("commands that were stopped hear nothing", async () => {
  await using at = await listening();
  await at.commands.stop();
  assertEquals(await at.publish({ command: "shutdown" }), 0);
  assertEquals(at.done, []);
});
