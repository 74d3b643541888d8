/** The index of tags: what is in it, and when it is cleaned. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { create, enqueueCreated } from "../../lib/store/created_jobs.ts";
import { taggedJobs } from "../../lib/store/tagged_jobs.ts";
import { type AddOptions, Bench, newJob } from "./support.ts";

function tagged(...tags: string[]): AddOptions {
  return { fields: { x_tags: JSON.stringify(tags) } };
}

/** The ids that a tag finds, sorted. */
async function found(bench: Bench, tag: string, queue = "q") {
  const records = await Array.fromAsync(taggedJobs(bench.jobs, queue, tag));
  return records.map(({ id }) => id).sort();
}

/** The ids that the index has, whether there are such jobs or not. */
function indexed(bench: Bench, tag: string): Promise<string[]> {
  return bench.members(bench.keys.tag("q", tag));
}

/** Lets it be time to look at all of them, as days do. */
async function letTimePass(bench: Bench, ...tags: string[]): Promise<void> {
  for (const tag of tags) {
    const key = bench.keys.tag("q", tag);
    for (const id of await bench.members(key)) {
      await bench.send("ZADD", key, "XX", 1, id);
    }
    await bench.send("ZADD", bench.keys.tags, "XX", 1, `1:q:${tag}`);
  }
}

/** How many seconds from now it is looked at a job. */
async function nextLook(bench: Bench, id: string, tag = "a"): Promise<number> {
  const at = await bench.send("ZSCORE", bench.keys.tag("q", tag), id);
  const [now] = await bench.send("TIME") as string[];
  return Number(at) - Number(now);
}

Deno.test("a job is found by each of its tags, wherever it waits", async () => {
  await using bench = await Bench.open();
  await bench.add("plain");
  await bench.add("one", tagged("a", "b"));
  await bench.add("two", { ...tagged("b"), due: "+60" });
  await bench.add("three", { ...tagged("b"), dependsOn: ["plain"] });
  await create(bench.jobs, newJob("four", tagged("b")));
  assertEquals(await found(bench, "a"), ["one"]);
  assertEquals(await found(bench, "b"), ["one", "three", "two"]);
  await enqueueCreated(bench.jobs, "four", { queue: "q", resend: true });
  assertEquals(await found(bench, "b"), ["four", "one", "three", "two"]);
  assertEquals(await found(bench, "c"), []);
  assertEquals(await found(bench, "b", "other"), []);
});

Deno.test("queues and tags with colons are kept apart", async () => {
  await using bench = await Bench.open();
  await bench.add("one", { queue: "x:y", ...tagged("z") });
  await bench.add("two", { queue: "x", ...tagged("y:z") });
  await bench.add("three", { queue: "ü", ...tagged("z") });
  assertEquals(await found(bench, "z", "x:y"), ["one"]);
  assertEquals(await found(bench, "y:z", "x"), ["two"]);
  assertEquals(await found(bench, "z", "ü"), ["three"]);
});

Deno.test("a job is found after its end, as long as it is kept", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("kept", tagged("a"));
  await bench.add("failed", tagged("a"));
  await bench.add("unkept", tagged("a"));
  await bench.run(worker, { ttl: 50 });
  await bench.run(worker, { outcome: "failed", ttl: 5_000 });
  await bench.run(worker, { ttl: 0 });
  assertEquals(await found(bench, "a"), ["failed", "kept"]);
  assertEquals(await indexed(bench, "a"), ["failed", "kept"]);
  assert(Math.abs(await nextLook(bench, "kept") - 50) < 10);
  assert(Math.abs(await nextLook(bench, "failed") - 5_000) < 60);
});

Deno.test("what cancels, deletes or empties takes jobs out of the index with them", async () => {
  await using bench = await Bench.open();
  for (const id of ["a", "b", "c"]) await bench.add(id, tagged("a"));
  await bench.jobs.cancel("a");
  assertEquals(await found(bench, "a"), ["a", "b", "c"]);
  await bench.jobs.delete("a");
  assertEquals(await indexed(bench, "a"), ["b", "c"]);
  await bench.jobs.empty("q");
  assertEquals(await indexed(bench, "a"), []);
});

Deno.test("an ended job whose id is taken by another one is found by the new one's tags only", async () => {
  await using bench = await Bench.open();
  await bench.add("j", tagged("old", "both"));
  await bench.run(await bench.worker());
  await bench.add("j", tagged("new", "both"));
  assertEquals(await indexed(bench, "old"), []);
  assertEquals(await indexed(bench, "new"), ["j"]);
  assertEquals(await indexed(bench, "both"), ["j"]);
});

Deno.test("jobs that are gone leave the index when it is time, and others stay", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("expired", tagged("a", "b"));
  await bench.add("waits", tagged("a"));
  await bench.run(worker, { ttl: 500 });
  await bench.send("DEL", "rq:job:expired"); // as time, or Python, does
  assertEquals(await found(bench, "a"), ["waits"]);
  await bench.sweeps.cleanTags();
  assertEquals(await indexed(bench, "a"), ["expired", "waits"], "not yet");
  await letTimePass(bench, "a", "b");
  await bench.sweeps.cleanTags();
  assertEquals(await indexed(bench, "a"), ["waits"]);
  assertEquals(await bench.members(bench.keys.tags), ["1:q:a"]);
  assert(await nextLook(bench, "waits") > 80_000);
});

Deno.test("a job that begins anew is not dropped when its first end would have expired", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("j", tagged("a"));
  await bench.run(worker, { outcome: "failed", ttl: 50 });
  await bench.jobs.requeue("j", false);
  await letTimePass(bench, "a");
  await bench.sweeps.cleanTags();
  assertEquals(await found(bench, "a"), ["j"]);
  assert(await nextLook(bench, "j") > 80_000);
});

Deno.test("cleaning goes on until nothing is due, in short calls", async () => {
  await using bench = await Bench.open();
  for (let i = 0; i < 30; i++) {
    const jobs = Array.from({ length: 20 }, (_, k) => {
      return newJob(`j${i}-${k}`, tagged("common", `t${i * 20 + k}`));
    });
    await bench.jobs.enqueueMany(jobs);
  }
  const tags = Array.from({ length: 600 }, (_, i) => `t${i}`);
  await bench.send(
    "DEL",
    ...tags.map((_, i) => {
      return `rq:job:j${Math.floor(i / 20)}-${i % 20}`;
    }),
  );
  await letTimePass(bench, "common", ...tags);
  await bench.sweeps.cleanTags();
  assertEquals(await bench.members(bench.keys.tags), []);
  assertEquals(await indexed(bench, "common"), []);
  const keys = Object.keys(await bench.dump());
  assertEquals(keys.filter((key) => key.includes("x_tag")), []);
});

Deno.test("thousands of jobs with one tag are all found, each once", async () => {
  await using bench = await Bench.open();
  const jobs = Array.from({ length: 2_000 }, (_, i) => {
    return newJob(`j${i}`, tagged("a"));
  });
  await bench.jobs.enqueueMany(jobs);
  assertEquals((await found(bench, "a")).length, 2_000);
});

Deno.test("a key of another type refuses a job with that tag, and nothing is written", async () => {
  await using bench = await Bench.open();
  for (const key of [bench.keys.tag("q", "a"), bench.keys.tags]) {
    await bench.send("FLUSHALL");
    await bench.send("SET", key, "text");
    const before = await bench.dump();
    await assertRejects(() => bench.add("j", tagged("a")), ReplyError);
    assertEquals(await bench.dump(), before);
    await bench.add("other", tagged());
    await bench.sweeps.cleanTags();
  }
});

Deno.test.each<[string]>([["{"], ["5"], [`[5,{},null,["a"]]`], [`"a"`]])(
  "a job whose hash has %s for tags ends like any other",
  async (x_tags) => {
    await using bench = await Bench.open();
    await bench.add("j");
    await bench.send("HSET", "rq:job:j", "x_tags", x_tags);
    await bench.run(await bench.worker());
    assertEquals(await bench.status("j"), "finished");
    await bench.jobs.delete("j");
    const keys = Object.keys(await bench.dump());
    assertEquals(keys.filter((key) => key.includes("x_tag")), []);
  },
);

Deno.test("a key of another type keeps no tagged job from ending", async () => {
  await using bench = await Bench.open();
  await bench.add("j", tagged("a"));
  for (const key of [bench.keys.tag("q", "a"), bench.keys.tags]) {
    await bench.send("SET", key, "text");
  }
  await bench.run(await bench.worker());
  assertEquals(await bench.status("j"), "finished");
  assertEquals(await bench.jobs.delete("j"), true);
});
