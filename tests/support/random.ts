/** Random numbers for tests. @module */

/** A generator of whole numbers from 0 to below a limit, the same ones for a seed in every run. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 65_536) % below;
  };
}
