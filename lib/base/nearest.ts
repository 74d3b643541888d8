/**
 * Suggestions for mistyped words.
 *
 * @module
 */

/** The entry of a list that is most similar to a text; `undefined` if none is similar. */
export function nearest(
  text: string,
  list: readonly string[],
): string | undefined {
  const ranked = list
    .map((entry) => ({ entry, distance: editDistance(text, entry) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(2, text.length / 3)
    ? best.entry
    : undefined;
}

/** The Levenshtein distance, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let k = 1; k <= b.length; k++) {
      next.push(Math.min(
        row[k]! + 1,
        next[k - 1]! + 1,
        row[k - 1]! + (a[i - 1] === b[k - 1] ? 0 : 1),
      ));
    }
    row = next;
  }
  return row[b.length]!;
}
