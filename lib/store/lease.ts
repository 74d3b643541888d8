/**
 * The constants of leases.
 *
 * @module
 */

/** For how many seconds a claim or a heartbeat leases a job. */
export const LEASE_SECONDS = 15;

/**
 * By how many seconds the score of our leases, in RQ's registry of started jobs, is later than their end. Any reader
 * of the registry in RQ fails a job whose score has passed; our sweep subtracts the margin, and puts the job back
 * long before. RQ has the same margin.
 */
export const LEASE_MARGIN = 60;

/** After how many seconds without a heartbeat one of our workers counts as dead. */
export const DEAD_AFTER_SECONDS = 20;
/** How often a job may lose its worker; with the next loss it fails. */
export const MAX_LOSSES = 3;
