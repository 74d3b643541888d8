/** The ids of entries of streams, `<milliseconds>-<number>`. @module */

/** Whether an entry is later than another one. */
export function isLater(id: string, than: string): boolean {
  const [ms = 0, n = 0] = id.split("-").map(Number);
  const [thanMs = 0, thanN = 0] = than.split("-").map(Number);
  return ms > thanMs || (ms === thanMs && n > thanN);
}

/** When an entry was added, by the server's clock. */
export function dateOf(id: string): Date {
  return new Date(Number(id.split("-", 1)[0]));
}
