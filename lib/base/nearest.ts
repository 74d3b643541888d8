/**
 * Suggestions for mistyped words.
 *
 * @module
 */

// This module of the package alone: every program that makes a queue loads what is imported here.
import { levenshteinDistance } from "@std/text/levenshtein-distance";

/** The entry of a list that is most similar to a text; `undefined` if none is similar. */
export function nearest(
  text: string,
  list: readonly string[],
): string | undefined {
  const ranked = list
    .map((entry) => ({ entry, distance: levenshteinDistance(text, entry) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(2, text.length / 3)
    ? best.entry
    : undefined;
}
