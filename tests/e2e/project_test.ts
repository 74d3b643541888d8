import { assertEquals, assertMatch } from "@std/assert";
import { Project } from "../support/project.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";

/** Runs one call with the working directory somewhere in a project. */
async function run(cwd: string, func: string, ...args: unknown[]) {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue(func, ...args);
  const { code, stdout, stderr } = await burst(["low", "--url", redis.url], {
    cwd,
  });
  assertEquals(code, 0, stderr);
  const status = await job.getStatus();
  const result = status === "finished" ? await job.result() : undefined;
  return { status, result, error: await job.excInfo() ?? "", stdout };
}

Deno.test("a bare import of a job resolves through the job's own deno.json", async () => {
  using project = new Project({
    "deno.json": '{ "imports": { "greet": "./lib/greet.ts" } }',
    "lib/greet.ts": "export const greet = (name: string) => `hi ${name}`;",
    "jobs/mail.ts":
      'import { greet } from "greet"; export const send = (n: string) => greet(n);',
    "sub/readme.txt": "",
  });
  for (const cwd of [project.path, `${project.path}/sub`]) {
    const { result, error } = await run(cwd, "jobs.mail.send", "you");
    assertEquals(result, "hi you", error);
  }
});

Deno.test("two projects in one folder each have their own imports", async () => {
  using project = new Project({
    "a/deno.json": '{ "imports": { "word": "./word.ts" } }',
    "a/word.ts": 'export default "of a";',
    "a/job.ts": 'import word from "word"; export const say = () => word;',
    "b/deno.jsonc": '{ /* a comment */ "imports": { "word": "./word.ts" } }',
    "b/word.ts": 'export default "of b";',
    "b/job.ts": 'import word from "word"; export const say = () => word;',
  });
  assertEquals((await run(project.path, "a.job.say")).result, "of a");
  assertEquals((await run(project.path, "b.job.say")).result, "of b");
});

Deno.test("a dotted path finds .ts, .mts, .js, .mjs and mod.ts, in this order", async () => {
  using project = new Project({ "deno.json": "{}" });
  const names = ["x/mod.ts", "x.mjs", "x.js", "x.mts", "x.ts"];
  for (const name of names) {
    project.write(name, `export function where() { return "${name}"; }`);
    const { result, error } = await run(project.path, "x.where");
    assertEquals(result, name, error);
  }
});

Deno.test("a path with a hash names modules that have no dotted form", async () => {
  using project = new Project({
    "deno.json": "{}",
    "jobs/send-mail.ts":
      "export function send() { return 1; }\nexport default () => 2;",
  });
  const { path } = project;
  assertEquals((await run(path, "jobs/send-mail.ts#send")).result, 1);
  assertEquals((await run(path, "jobs/send-mail.ts#default")).result, 2);
  assertEquals(
    (await run(path, `file://${path}/jobs/send-mail.ts#send`)).result,
    1,
  );
});

Deno.test("a job module is loaded anew for each job: what changed on disk is seen, what was set is not", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const counter = (step: number) =>
    `let n = 0; export function count() { return n += ${step}; }`;
  using project = new Project({ "deno.json": "{}", "c.ts": counter(1) });
  const results: unknown[] = [];
  for (const step of [1, 1, 10]) {
    project.write("c.ts", counter(step));
    const job = await bench.queue("low").enqueue("c.count");
    await burst(["low", "--url", redis.url], { cwd: project.path });
    results.push(await job.result());
  }
  assertEquals(results, [1, 1, 10]);
});

Deno.test("a module with a mistake in its syntax or its types fails that job, with the place", async () => {
  using project = new Project({
    "deno.json": "{}",
    "broken.ts": "export function f( {",
    "missing.ts": 'import "./nowhere.ts"; export function f() {}',
    "unmapped.ts": 'import "nowhere"; export function f() {}',
  });
  const broken = await run(project.path, "broken.f");
  assertEquals(broken.status, "failed");
  assertMatch(broken.error, /broken\.ts/);
  const missing = await run(project.path, "missing.f");
  assertMatch(missing.error, /nowhere\.ts/);
  const unmapped = await run(project.path, "unmapped.f");
  assertMatch(unmapped.error, /nowhere/);
});

Deno.test("a broken deno.json fails the jobs of its project, and the worker leaves in good order", async () => {
  using project = new Project({
    "deno.json": "{",
    "j.ts": "export function f() { return 1; }",
  });
  const { status, error } = await run(project.path, "j.f");
  assertEquals(status, "failed");
  assertMatch(error, /deno\.json|config/i);
});

Deno.test("a project without a deno.json has its working directory as its root", async () => {
  using project = new Project({ "j.ts": "export const f = () => 7;" });
  assertEquals((await run(project.path, "j.f")).result, 7);
});

Deno.test("a folder with spaces, percent signs and letters beyond ASCII can hold jobs", async () => {
  using project = new Project({
    "mein ordner %20 ü/deno.json": "{}",
    "mein ordner %20 ü/j.ts": "export const f = () => 7;",
  });
  const { result, error } = await run(
    `${project.path}/mein ordner %20 ü`,
    "j.f",
  );
  assertEquals(result, 7, error);
});

/** A workspace whose members each have a `mod.ts`. */
function workspace(): Project {
  const member = (name: string) => `export const who = () => "${name}";`;
  return new Project({
    "deno.json": '{ "workspace": ["./mails", "./jobs"] }',
    "jobs/deno.json": '{ "imports": { "word": "./word.ts" } }',
    "jobs/word.ts": 'export default "jobs";',
    "jobs/mod.ts": 'import word from "word"; export const who = () => word;',
    "mails/deno.json": "{}",
    "mails/mod.ts": member("mails"),
  });
}

Deno.test("in a workspace each function is found from its root and from each member", async () => {
  using project = workspace();
  const { path } = project;
  for (const cwd of [path, `${path}/jobs`, `${path}/mails`]) {
    for (const name of ["jobs", "mails"]) {
      const { result, error } = await run(cwd, `${path}/${name}/mod.ts#who`);
      assertEquals(result, name, error);
    }
  }
});

Deno.test("a name that two paths answer runs neither", async () => {
  using project = workspace();
  const { path } = project;
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const job = await bench.queue("low").enqueue("mod.who");
  const paths = ["--path", `${path}/mails`, "--path", `${path}/jobs`];
  await burst(["low", "--url", redis.url, ...paths], { cwd: path });
  assertEquals(await job.getStatus(), "failed");
  assertMatch(
    await job.excInfo() ?? "",
    /Cannot resolve "mod\.who": it may be .*mails\/mod\.ts or .*jobs\/mod\.ts/,
  );
});
