import { assertEquals, assertThrows } from "@std/assert";
import {
  Dependency,
  dependency,
  mergeDependencies,
} from "../../lib/queue/dependency.ts";
import { Desk } from "./support.ts";

Deno.test("what a job waits for can be a job, an id, dependency() or a list of these, each once", async () => {
  await using desk = await Desk.open();
  const job = await desk.queue.enqueueCall({ func: "f.g", jobId: "a" });
  const all = [job, "b", dependency(["c", job]), dependency("b")];
  assertEquals(mergeDependencies(job).jobIds, ["a"]);
  assertEquals(mergeDependencies("b").jobIds, ["b"]);
  assertEquals(mergeDependencies(dependency([job, "b"])).jobIds, ["a", "b"]);
  assertEquals(mergeDependencies(all).jobIds, ["a", "b", "c"]);
  assertEquals(mergeDependencies([]).jobIds, []);
  assertEquals(mergeDependencies(undefined).jobIds, []);
});

Deno.test("one dependency that allows failure allows it for all, as in RQ", () => {
  const strict = dependency("a");
  const lenient = dependency("b", { allowFailure: true, atFront: true });
  assertEquals([strict.allowFailure, strict.atFront], [false, false]);
  const both = mergeDependencies([strict, lenient]);
  assertEquals([both instanceof Dependency, both.allowFailure, both.atFront], [
    true,
    true,
    true,
  ]);
});

Deno.test.each<[string, unknown, typeof TypeError]>([
  ["null", null, TypeError],
  ["a number", 5, TypeError],
  ["an object", {}, TypeError],
  ["an id with a colon", "a:b", RangeError],
])("a job cannot wait for %s", (_name, value, type) => {
  assertThrows(() => mergeDependencies(value as string), type);
});

Deno.test("a job with dependencies waits and is queued behind or in front, as it was asked for", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  await queue.enqueueCall({ func: "f.g", jobId: "p" });
  await queue.enqueueCall({ func: "f.g", jobId: "x" });
  await queue.enqueueCall({ func: "f.g", jobId: "tail", dependsOn: "p" });
  const head = await queue.enqueueCall({
    func: "f.g",
    jobId: "head",
    dependsOn: dependency("p", { atFront: true }),
  });
  const front = await queue.enqueueCall({
    func: "f.g",
    jobId: "front",
    dependsOn: "x",
    atFront: true,
  });
  assertEquals([await head.getStatus(), head.enqueuedAt], ["deferred", null]);
  await desk.finish();
  assertEquals(await queue.jobIds(), ["head", "x", "tail"]);
  await desk.finish();
  await desk.finish();
  assertEquals(await queue.jobIds(), ["front", "tail"]);
  assertEquals(await front.getStatus(), "queued");
});

Deno.test("jobs of one enqueueMany() may wait for each other", async () => {
  await using desk = await Desk.open();
  const jobs = await desk.queue.enqueueMany([
    { func: "f.g", jobId: "a" },
    { func: "f.g", jobId: "b", dependsOn: "a" },
    { func: "f.g", jobId: "c", dependsOn: ["a", "b"] },
  ]);
  const statuses = await Promise.all(jobs.map((job) => job.getStatus()));
  assertEquals(statuses, ["queued", "deferred", "deferred"]);
  assertEquals(
    [await desk.finish(), await desk.finish(), await desk.finish()],
    [
      "a",
      "b",
      "c",
    ],
  );
});
