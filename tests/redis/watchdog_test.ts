import { assert, assertEquals } from "@std/assert";
import { Watchdog } from "../../lib/redis/watchdog.ts";
import { until } from "./support.ts";

Deno.test("a watchdog tells once what took too long, and of what came in time nothing", async () => {
  const told: number[] = [];
  const watchdog = new Watchdog((patience) => told.push(patience));
  const start = performance.now();
  for (let i = 0; i < 5; i++) {
    watchdog.watch(40, performance.now());
    watchdog.rest();
  }
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals(told, []);
  watchdog.watch(30, performance.now());
  await until(() => told.length > 0);
  assert(performance.now() - start >= 88);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(told, [30]);
  watchdog.stop();
});

Deno.test("a watchdog's later patience counts, longer or shorter", async () => {
  const told: number[] = [];
  const watchdog = new Watchdog((patience) => told.push(patience));
  watchdog.watch(20, performance.now());
  watchdog.watch(1_000, performance.now());
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals(told, []);
  await until(() => told.length > 0);
  watchdog.watch(60_000, performance.now());
  watchdog.watch(10, performance.now());
  await until(() => told.length > 1);
  watchdog.watch(Infinity, performance.now());
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(told, [1_000, 10]);
  watchdog.stop();
});

Deno.test("a watchdog at rest keeps no program from ending", async () => {
  const url = new URL("../../lib/redis/watchdog.ts", import.meta.url);
  const code = `import { Watchdog } from ${JSON.stringify(url.href)};
    const watchdog = new Watchdog(() => console.log("late"));
    watchdog.watch(20_000, performance.now());
    watchdog.rest();`;
  const start = performance.now();
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
  }).output();
  assert(success);
  assertEquals(stdout.length, 0);
  assert(performance.now() - start < 15_000);
});
