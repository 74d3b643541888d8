/**
 * Stands in for `jsr:@std/random` where only the npm registry can be reached: lists in a random order.
 *
 * @module
 */

import arrayShuffle from "npm:array-shuffle@4.1.0";

/** A copy of a list, in a random order. */
export function shuffle<T>(items: readonly T[]): T[] {
  return arrayShuffle(items);
}
