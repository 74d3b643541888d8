/** What is run of slots that have passed. */

import { assert, assertEquals } from "@std/assert";
import {
  LATE_SECONDS,
  MISSED,
  MOST_MISSED,
  planSlot,
} from "../../lib/job/missed.ts";
import {
  checkTiming,
  type Timetable,
  timetableOf,
  type When,
} from "../../lib/job/timetable.ts";

function timetable(when: When): Timetable {
  return timetableOf(checkTiming(when, undefined), 0);
}

const minutes = timetable("* * * * *");

Deno.test.each(MISSED.map((missed) => [missed]))(
  "%s: a slot that has just come is run, and the next one is the next",
  (missed) => {
    const expected = { slot: 600, run: true, next: 660 };
    assertEquals(planSlot(minutes, 600, 600, missed), expected);
    assertEquals(planSlot(minutes, 600, 600 + LATE_SECONDS, missed), expected);
  },
);

Deno.test("skip: what is late is not run", () => {
  assertEquals(planSlot(minutes, 600, 601 + LATE_SECONDS, "skip"), {
    slot: 600,
    run: false,
    next: 660,
  });
  // of several, the last one has just come
  assertEquals(planSlot(minutes, 600, 905, "skip"), {
    slot: 900,
    run: true,
    next: 960,
  });
});

Deno.test("once: one run stands for all, how many there are", () => {
  assertEquals(planSlot(minutes, 600, 659, "once").run, true);
  assertEquals(planSlot(minutes, 600, 86_400 * 365 + 59, "once"), {
    slot: 86_400 * 365,
    run: true,
    next: 86_400 * 365 + 60,
  });
});

Deno.test("all: each is run, one after the other, the latest hundred", () => {
  assertEquals(planSlot(minutes, 600, 905, "all"), {
    slot: 600,
    run: true,
    next: 660,
  });
  let [due, runs] = [600, 0];
  const now = 600 + 300 * 60;
  while (due <= now) {
    const { slot, next } = planSlot(minutes, due, now, "all");
    if (runs++ === 0) assertEquals(slot, now - (MOST_MISSED - 1) * 60);
    else assertEquals(slot, due);
    due = next!;
  }
  assertEquals(runs, MOST_MISSED);
});

Deno.test.each<[When]>([
  ["* * * * *"],
  ["*/7 3 * * MON"],
  ["0 0 29 2 *"],
  [{ every: 7 }],
  ["*/13 * * * * *"],
])("of the slots of %j the latest is found as one by one", (when) => {
  const table = timetable(when);
  const first = table.next(1_700_000_000)!;
  for (const seconds of [0, 1, 59, 60, 3_599, 9_000]) {
    let latest = first;
    for (let next = first; next <= first + seconds; next = table.next(next)!) {
      latest = next;
    }
    const plan = planSlot(table, first, first + seconds + 0.5, "once");
    assertEquals(plan, { slot: latest, run: true, next: table.next(latest) });
    assert(plan.next! > first + seconds);
  }
});
