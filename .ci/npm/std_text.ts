/**
 * Stands in for `jsr:@std/text` where only the npm registry can be reached: the distance of two texts.
 *
 * @module
 */

import { distance } from "npm:fastest-levenshtein@1.0.16";

/** How many characters have to be put in, taken out or replaced to make one text of the other. */
export function levenshteinDistance(str1: string, str2: string): number {
  return distance(str1, str2);
}
