/** Schedules while replies are lost and programs are killed: each slot makes one job, and none is left out. */

import { assert, assertEquals } from "@std/assert";
import { CLAIM_SLOT } from "../../lib/store/scripts/claim_slot.ts";
import { type ScheduleRun, Schedules } from "../../mod.ts";
import { Bench, Ledger, WorkerProcess } from "../e2e/support.ts";
import { jobFlags } from "../support/deno_flags.ts";
import { Project } from "../support/project.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";
import { ReplyLoser } from "./reply_loser.ts";

/** Schedules that are due each second, and each of which notes its name once. */
async function ticking(
  schedules: Schedules,
  names: readonly string[],
  ledger: Ledger,
): Promise<void> {
  for (const name of names) {
    await schedules.upsert(name, "* * * * * *", {
      func: "jobs.note",
      args: [ledger.path, name],
      queue: "low",
      missed: "all",
    });
  }
}

/** Asserts that each second has one run, from the first to the last, and one job that has run once. */
async function assertEach(
  schedules: Schedules,
  names: readonly string[],
  ledger: Ledger,
): Promise<void> {
  for (const name of names) await schedules.pause(name);
  for (const name of names) {
    const runs = await schedules.runs(name);
    const slots = runs.map(secondOf).reverse();
    assertEquals(slots, slots.map((_, i) => slots[0]! + i), name);
    assertEquals(new Set(runs.map(({ jobId }) => jobId)).size, runs.length);
    await waitForEqual(() => ledger.counts().get(name) ?? 0, runs.length);
  }
}

function secondOf({ slot }: ScheduleRun): number {
  return slot!.getTime() / 1_000;
}

Deno.test("replies that are lost leave out no slot, and make no job twice", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  await using proxy = new ReplyLoser(
    ...[redis.port, 8, new RegExp(CLAIM_SLOT.sha)] as const,
  );
  using ledger = new Ledger();
  const names = ["a", "b", "c"];
  await ticking(schedules, names, ledger);
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url, "--no-scheduler", "--isolation", "reuse"],
  ]);
  await using _cron = await WorkerProcess.listening([
    ...["other", "--url", proxy.url],
  ]);
  const count = async () => (await schedules.runs("a")).length;
  await waitFor(async () => proxy.lost >= 4 && await count() > 10);
  await assertEach(schedules, names, ledger);
});

Deno.test("cron programs that are killed one after the other leave out no slot, and make no job twice", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  await using schedules = new Schedules({ connection: bench.client });
  using ledger = new Ledger();
  using project = new Project({ "deno.json": "{}", "cron.js": "" });
  const names = ["a", "b"];
  await ticking(schedules, names, ledger);
  await using _worker = await WorkerProcess.listening([
    ...["low", "--url", redis.url, "--no-scheduler", "--isolation", "reuse"],
  ]);
  for (let i = 1; i <= 3; i++) {
    const before = (await schedules.runs("b")).length;
    await using program = new WorkerProcess([
      ...["cron", `${project.path}/cron.js`, "--url", redis.url, ...jobFlags()],
    ]);
    await waitFor(async () => (await schedules.runs("b")).length > before);
    program.kill("SIGKILL");
    await program.ended();
  }
  assert((await schedules.runs("a")).length >= 3);
  await assertEach(schedules, names, ledger);
});
