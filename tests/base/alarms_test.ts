import { assert, assertEquals } from "@std/assert";
import { Alarms } from "../../lib/base/alarms.ts";
import { waitFor } from "../support/wait_for.ts";

Deno.test("alarms ring in the order of their times, whatever the order in which they were set", async () => {
  using alarms = new Alarms();
  const rung: number[] = [];
  for (const ms of [60, 20, 100, 0, 40]) alarms.set(ms, () => rung.push(ms));
  await waitFor(() => rung.length === 5);
  assertEquals(rung, [0, 20, 40, 60, 100]);
});

Deno.test("alarms that are late all together ring in their order, too", async () => {
  using alarms = new Alarms();
  const rung: string[] = [];
  const last = alarms.set(20, () => rung.push("last"));
  alarms.set(20, () => rung.push("kept"));
  alarms.set(15, () => alarms.clear(last));
  const end = performance.now() + 30;
  while (performance.now() < end); // nothing can ring meanwhile
  await waitFor(() => rung.length > 0);
  assertEquals(rung, ["kept"]);
});

Deno.test("an alarm that was taken back does not ring, nor does one that another one takes back", async () => {
  using alarms = new Alarms();
  const rung: string[] = [];
  const first = alarms.set(10, () => rung.push("first"));
  const last = alarms.set(20, () => rung.push("last"));
  alarms.set(20, () => rung.push("kept"));
  alarms.set(15, () => alarms.clear(last));
  alarms.clear(first);
  alarms.clear(undefined);
  await waitFor(() => rung.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assertEquals(rung, ["kept"]);
});

Deno.test("an alarm does not ring before its time, and one may set the next", async () => {
  using alarms = new Alarms();
  const from = performance.now();
  let rang = 0;
  alarms.set(30, () => alarms.set(30, () => rang = performance.now()));
  await waitFor(() => rang > 0);
  assert(rang - from >= 58, `${rang - from} ms`);
});

Deno.test("no timer is left once alarms are disposed of", () => {
  const alarms = new Alarms();
  alarms.set(60_000, () => {});
  alarms.set(2 ** 40, () => {});
  alarms[Symbol.dispose](); // a timer that goes on would fail this test
});
