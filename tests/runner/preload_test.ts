/** Modules that are loaded ahead of time. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { TestRunner, until } from "./support.ts";

const CURRENT = new URL("../../lib/runner/current.ts", import.meta.url).href;

/** A directory with a module that prints when it is loaded. */
async function project(code: string) {
  const dir = await Deno.makeTempDir({ prefix: "rq-preload-" });
  await Deno.writeTextFile(`${dir}/slow.ts`, code);
  return {
    dir,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

const LOAD = "load\n";

const SLOW = `
await new Promise((resolve) => setTimeout(resolve, 400));
const loadedAt = Date.now();
console.log("loaded");
export const loaded = () => ({ pid: Deno.pid, at: loadedAt });
`;

/** What a job reports about its process and the module. */
interface Load {
  readonly pid: number;
  readonly at: number;
}

Deno.test("with preload, the next process has loaded the module of the last job before there is another", async () => {
  await using at = await project(SLOW);
  await using t = await TestRunner.create({
    paths: [at.dir],
    preload: true,
    prewarm: 1,
  });
  const first = await t.result("slow.loaded") as Load;
  await until("it is loaded again", () => t.stdout() === "loaded\nloaded\n");
  const asked = Date.now();
  const second = await t.result("slow.loaded") as Load;
  assertNotEquals(second.pid, first.pid);
  assert(second.at <= asked, "the job waited for its module");
});

Deno.test("without it, a module is loaded by its job only", async () => {
  await using at = await project(SLOW);
  await using t = await TestRunner.create({ paths: [at.dir], prewarm: 1 });
  for (let n = 0; n < 3; n++) {
    const asked = Date.now();
    const { at } = await t.result("slow.loaded") as Load;
    assert(at >= asked, "the module was loaded before there was a job");
  }
  await t.runner.close();
  assertEquals(t.stdout(), "loaded\n".repeat(3));
});

Deno.test("a module that only loads inside a job is not loaded ahead of time again, and its jobs run", async () => {
  await using at = await project(`
import { currentJob } from ${JSON.stringify(CURRENT)};
console.log("load");
const { id } = currentJob;
export const own = () => id;
`);
  await using t = await TestRunner.create({
    paths: [at.dir],
    preload: true,
    prewarm: 1,
  });
  assertEquals(await t.result("slow.own"), "job-1");
  await until("it is tried ahead of time", () => t.stdout() === LOAD.repeat(2));
  for (let n = 2; n <= 10; n++) {
    assertEquals(await t.result("slow.own"), `job-${n}`);
  }
  await t.runner.close();
  // Once for each job, and few tries: the next one may begin before the first has ended.
  const tries = t.stdout().length / LOAD.length - 10;
  assert(tries >= 1 && tries <= 5, `${tries} tries`);
});

Deno.test("a module that cannot be loaded fails its job as ever, and no storm of processes starts", async () => {
  await using at = await project(`
console.log("load");
throw new Error("at import");
`);
  await using t = await TestRunner.create({
    paths: [at.dir],
    preload: true,
    prewarm: 2,
  });
  for (let n = 0; n < 3; n++) {
    const failure = await t.failure("slow.gone");
    assertEquals(failure.reason, "load");
  }
  await t.runner.close();
  const loads = t.stdout().split("\n").length - 1;
  assert(loads <= 3 + 4, `loaded ${loads} times`);
});
