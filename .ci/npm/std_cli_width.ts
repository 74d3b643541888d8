/**
 * Stands in for `jsr:@std/cli/unicode-width` where only the npm registry can be reached: wide are the letters of East Asia
 * and emoji, as whole blocks.
 *
 * @module
 */

const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]$/u;
const NARROW_NONE = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** How many columns of a terminal a text takes. */
export function unicodeWidth(str: string): number {
  let width = 0;
  for (const letter of str) {
    width += NARROW_NONE.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1;
  }
  return width;
}
