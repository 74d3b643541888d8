/**
 * The parts that a job yields: the limits of its stream.
 *
 * @module
 */

/** The most parts of one run. */
export const MOST_PARTS = 100_000;

/** The most bytes of JSON of all parts of one run together. */
export const MOST_PART_BYTES: number = 16 * 1024 * 1024;

/** The most characters of JSON of one part. */
export const MOST_PART: number = 128 * 1024;

/** The most parts that are sent together: Redis takes some 3 µs for each. */
export const PARTS_AT_ONCE = 200;

/** So many characters are sent together, and one part more. */
export const SIZE_AT_ONCE: number = 128 * 1024;
