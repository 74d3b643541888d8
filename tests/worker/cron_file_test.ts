/** A file of schedules in Redis: what is stored of it, and what becomes of that. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { CronFile } from "../../lib/worker/cron_file.ts";
import { CannotStartError } from "../../lib/worker/errors.ts";
import { storeOf } from "../store/schedule_scenes.ts";
import { Bench } from "../store/support.ts";
import { Project } from "../support/project.ts";
import { memoryLog } from "./support.ts";

/** What `cron()` does, without the package: what a subprocess says is not to be trusted. */
function declaring(...declared: unknown[]): string {
  return `
    const list = ${JSON.stringify(declared)};
    globalThis[Symbol.for("deno-rq.cron")] = new Map(list.map((one, i) => [i, async () => one]));
  `;
}

function declaration(name: string): Record<string, unknown> {
  return { name, timing: '{"every":60}', job: "", fields: { queue: "q" } };
}

function fileOf(bench: Bench, file: string, log = memoryLog()): CronFile {
  return new CronFile({
    ...{ file, log, execPath: undefined, denoArgs: [] },
    schedules: storeOf(bench),
    stopping: new AbortController().signal,
  });
}

Deno.test("what Redis has lost is stored again, what another program has read since is left alone", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  using project = new Project({
    "deno.json": "{}",
    "a/cron.js": declaring(declaration("s"), declaration("t")),
  });
  const log = memoryLog();
  const file = fileOf(bench, `${project.path}/a/cron.js`, log);
  assertEquals(file.name, "a/cron.js");
  assertEquals(await file.apply(), 2);
  assertEquals((await store.fetch("s"))?.text("owner"), "a/cron.js");
  await file.restore();
  assertEquals(log.lines, ["a/cron.js declares 2 schedules"]);
  await bench.send("FLUSHALL");
  await file.restore();
  assertEquals((await store.names()).sort(), ["s", "t"]);
  assert(log.lines[1]!.includes("has lost the schedules of a/cron.js"));
  await store.begin({ file: file.name, token: "another" });
  await store.remove("s");
  await file.restore();
  assertEquals(await store.names(), ["t"]);
});

Deno.test("a program that is overtaken while it stores says so, and removes nothing", async () => {
  await using bench = await Bench.open();
  const store = storeOf(bench);
  using project = new Project({
    "deno.json": "{}",
    "cron.js": declaring(declaration("s")),
  });
  const log = memoryLog();
  const schedules = storeOf(bench);
  schedules.begin = () => store.begin({ file: "cron.js", token: "later" });
  const file = new CronFile({
    ...{ file: `${project.path}/cron.js`, log, schedules },
    ...{ execPath: undefined, denoArgs: [] },
    stopping: new AbortController().signal,
  });
  await file.apply();
  assertEquals(log.lines, [
    "Another program has read cron.js since, and decides",
  ]);
  assertEquals(await store.names(), []);
});

Deno.test("a schedule that another file has declared changes hands, which is told", async () => {
  await using bench = await Bench.open();
  using project = new Project({
    "deno.json": "{}",
    "a.js": declaring(declaration("s")),
    "b.js": declaring(declaration("s")),
  });
  const log = memoryLog();
  await fileOf(bench, `${project.path}/a.js`).apply();
  await fileOf(bench, `${project.path}/b.js`, log).apply();
  assertEquals(
    log.lines[0],
    'Schedule "s" was declared by a.js, now it is by b.js',
  );
  assertEquals(await fileOf(bench, `${project.path}/a.js`).apply(), 1);
});

Deno.test.each<[string, unknown]>([
  ["no object", 5],
  ["no name", { ...declaration("s"), name: "" }],
  ["no timing", { ...declaration("s"), timing: "{}" }],
  ["no fields", { ...declaration("s"), fields: null }],
  ["no job", { ...declaration("s"), job: 5 }],
])("what a file declares is checked: %s", async (_what, declared) => {
  await using bench = await Bench.open();
  using project = new Project({
    "deno.json": "{}",
    "cron.js": declaring(declaration("good"), declared),
  });
  const file = fileOf(bench, `${project.path}/cron.js`);
  await assertRejects(
    () => file.apply(),
    CannotStartError,
    "Cannot read the schedules of ",
  );
  assertEquals(await storeOf(bench).names(), []);
});

Deno.test("a file outside of a project is known by its whole path", async () => {
  await using bench = await Bench.open();
  using project = new Project({ "cron.js": declaring() });
  const file = fileOf(bench, `${project.path}/cron.js`);
  assertEquals(file.name, await Deno.realPath(`${project.path}/cron.js`));
  assertEquals(await file.apply(), 0);
});
