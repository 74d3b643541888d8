/** Jobs of the example of schedules. */

/** Reports something. */
export function report(what: string): string {
  return `report of ${what}`;
}
