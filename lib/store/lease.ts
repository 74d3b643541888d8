/**
 * How long a worker holds a job, and what its lease looks like.
 *
 * @module
 */

/** Seconds that a claim or a heartbeat leases a job for. */
export const LEASE_SECONDS = 15;

/**
 * Seconds by which the score of our leases in RQ's registry of started jobs lies behind their end. RQ fails
 * a job as soon as its score is over, whoever looks at the registry; our sweep looks so much ahead, and
 * puts it back long before. RQ's own margin is the same.
 */
export const LEASE_MARGIN = 60;

/** Seconds without a heartbeat after which a worker of ours is dead. */
export const DEAD_AFTER_SECONDS = 20;
/** How often a job may lose its worker before it fails. */
export const MAX_LOSSES = 3;
