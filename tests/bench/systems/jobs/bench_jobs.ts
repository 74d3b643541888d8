/** The job of the benchmark: as little work as there can be. */

/** Gives its argument back. */
export function hello(name: string): string {
  return name;
}
