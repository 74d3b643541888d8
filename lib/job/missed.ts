/**
 * What to run of the slots of a schedule that have passed. Most of the time that is the one that has just come.
 *
 * @module
 */

import type { Timetable } from "./timetable.ts";

/**
 * What becomes of slots that nobody was there to run: they are skipped; one run stands for all of them; or each is
 * run, the latest hundred at most.
 */
export type Missed = "skip" | "once" | "all";

/** What {@linkcode Missed} can be. */
export const MISSED: readonly Missed[] = ["skip", "once", "all"];

/** What to do with a schedule that is due. */
export interface SlotPlan {
  /** The slot to claim: the one that is due, or a later one that has passed, too. */
  readonly slot: number;
  /** Whether it is run; if not, it was missed. */
  readonly run: boolean;
  /** The slot after it that is still to come, or to be run; `undefined` if there is none. */
  readonly next: number | undefined;
}

/**
 * How many seconds after its slot a run is late: then it was missed. A worker that takes over from one that has died
 * needs some seconds, and so does Redis if it moves to another machine.
 */
export const LATE_SECONDS = 30;

/** How many missed slots are run one by one. */
export const MOST_MISSED = 100;

/**
 * Plans the next step of a schedule.
 *
 * @param due The slot that is due.
 * @param now The time, not before that slot.
 */
export function planSlot(
  timetable: Timetable,
  due: number,
  now: number,
  missed: Missed,
): SlotPlan {
  const latest = latestSlot(timetable, due, now);
  if (missed !== "all") {
    const run = missed === "once" || now - latest <= LATE_SECONDS;
    return { slot: latest, run, next: timetable.next(latest) };
  }
  let slot = latest;
  for (let i = 1; i < MOST_MISSED && slot > due; i++) {
    slot = latestSlot(timetable, due, slot - 1);
  }
  return { slot, run: true, next: timetable.next(slot) };
}

/**
 * The latest slot up to a time. An expression only tells what comes after, so it is found by steps back that get longer,
 * and then by halving.
 */
function latestSlot(
  timetable: Timetable,
  first: number,
  until: number,
): number {
  let latest = first;
  let end = Math.floor(until);
  const slotAfter = (time: number) => {
    const slot = timetable.next(time);
    return slot !== undefined && slot <= end ? slot : undefined;
  };
  for (let back = 1; end - back > first; back *= 2) {
    const found = slotAfter(end - back);
    if (found === undefined) continue;
    latest = found;
    break;
  }
  for (let next = slotAfter(latest); next !== undefined;) {
    const middle = Math.floor((latest + end) / 2);
    const found = slotAfter(middle);
    if (found === undefined) [latest, end] = [next, middle];
    else latest = found;
    next = slotAfter(latest);
  }
  return latest;
}
