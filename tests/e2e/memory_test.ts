import { assertEquals, assertStringIncludes } from "@std/assert";
import { Project } from "../support/project.ts";
import { RedisServer } from "../support/redis_server.ts";
import { Bench, burst } from "./support.ts";

Deno.test.each([["process"], ["reuse"], ["shared"]])(
  "--job-memory ends a job that uses more, with --isolation %s, and no other",
  async (isolation) => {
    using project = new Project({
      "deno.json": "{}",
      // The big one keeps its memory until it is looked at, which a busy machine does seldom.
      "a.ts": `export async function eat(megabytes: number, wait: number) {
        const kept: Uint8Array[] = [];
        for (let i = 0; i < megabytes; i += 8) {
          kept.push(new Uint8Array(8 * 1024 * 1024).fill(1));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await new Promise((resolve) => setTimeout(resolve, wait));
        return kept.length;
      }`,
    });
    await using redis = await RedisServer.start();
    await using bench = new Bench(redis.url);
    const big = await bench.queue("low").enqueue("a.eat", 900, 100_000);
    const small = await bench.queue("low").enqueue("a.eat", 8, 0);
    const { code, stderr } = await burst(
      [
        ...["low", "--url", redis.url, "--isolation", isolation],
        ...["--job-memory", "250MB", "--concurrency", "2"],
      ],
      { cwd: project.path },
    );
    assertEquals(code, 0, stderr);
    assertEquals(await big.getStatus(), "failed");
    assertStringIncludes(
      await big.excInfo() ?? "",
      "MemoryLimitError: The job exceeded the memory limit of 250 MB",
    );
    assertEquals(await small.result(), 1);
  },
);
