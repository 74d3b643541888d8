/** Jobs of the example of stopping. */

/** Never ends, and heeds no signal. */
export function spin(): never {
  while (true);
}
