/** Tells what arrived. */

export function ofNumbers(...numbers: number[]): string[] {
  return numbers.map(String);
}
