/** Returns what arrived, as text. */

export function ofNumbers(...numbers: number[]): string[] {
  return numbers.map(String);
}
