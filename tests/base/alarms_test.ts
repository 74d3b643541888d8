import { assertEquals } from "@std/assert";
import { Alarms } from "../../lib/base/alarms.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Alarms on a fake clock, and a log of which rang when. */
function bench() {
  const clock = new FakeClock();
  const alarms = new Alarms(clock);
  const from = clock.now();
  const rung: [string, number][] = [];
  const note = (name: string) => () => {
    rung.push([name, clock.now() - from]);
  };
  return { clock, alarms, rung, note };
}

Deno.test("alarms ring in the order of their times, whatever the order in which they were set", async () => {
  const { clock, alarms, rung, note } = bench();
  for (const ms of [60, 20, 100, 0, 40]) alarms.set(ms, note(`${ms}`));
  await clock.advance(59);
  assertEquals(rung, [["0", 0], ["20", 20], ["40", 40]]);
  await clock.advance(41);
  assertEquals(rung.slice(3), [["60", 60], ["100", 100]]);
});

Deno.test("many alarms take one timer", () => {
  const { clock, alarms, note } = bench();
  for (const ms of [60, 20, 100, 0, 40]) alarms.set(ms, note(`${ms}`));
  assertEquals(clock.pending, 1);
});

Deno.test("alarms that are late all together ring in their order, too", async () => {
  const { clock, alarms, rung, note } = bench();
  const last = alarms.set(20, note("last"));
  alarms.set(20, note("kept"));
  alarms.set(15, () => alarms.clear(last));
  clock.stall(30);
  await clock.advance(0);
  assertEquals(rung, [["kept", 30]]);
});

Deno.test("an alarm that was taken back does not ring, nor does one that another one takes back", async () => {
  const { clock, alarms, rung, note } = bench();
  const first = alarms.set(10, note("first"));
  const last = alarms.set(20, note("last"));
  alarms.set(20, note("kept"));
  alarms.set(15, () => alarms.clear(last));
  alarms.clear(first);
  alarms.clear(undefined);
  await clock.advance(1_000);
  assertEquals(rung, [["kept", 20]]);
});

Deno.test("an alarm does not ring before its time, and one may set the next", async () => {
  const { clock, alarms, rung, note } = bench();
  alarms.set(30, () => alarms.set(30, note("second")));
  await clock.advance(59);
  assertEquals(rung, []);
  await clock.advance(1);
  assertEquals(rung, [["second", 60]]);
});

Deno.test("an alarm that is further away than a timer can be rings at its time", async () => {
  const { clock, alarms, rung, note } = bench();
  alarms.set(2 ** 33, note("far"));
  await clock.advance(2 ** 33 - 1);
  assertEquals(rung, []);
  await clock.advance(1);
  assertEquals(rung, [["far", 2 ** 33]]);
});

Deno.test("no timer is left once alarms are disposed of", () => {
  const { clock, alarms, note } = bench();
  alarms.set(60_000, note("soon"));
  alarms.set(2 ** 40, note("far"));
  alarms[Symbol.dispose]();
  assertEquals(clock.pending, 0);
});

Deno.test("alarms keep the system's time by themselves", async () => {
  using alarms = new Alarms();
  await new Promise<void>((resolve) => alarms.set(1, resolve));
});
