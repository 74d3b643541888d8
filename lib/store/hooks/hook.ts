/** The shape of what goes on when a job ends. @module */

import type { JobField } from "../../job/fields.ts";

/** One thing that a job may come with. */
export interface Hook {
  /** What it is called. */
  readonly name: string;
  /** Fields of the job's hash that it looks at; in Lua they are fields of the job. */
  readonly reads: readonly JobField[];
  /** Those that show that a job has such company: its end then is no plain one, which FINISH records. */
  readonly marks: readonly JobField[];
  /**
   * Pieces of Lua, `NAME_ended(job, status)` among them. The status is one that ends a job, or `deleted` if the job is
   * about to be removed, ended or not.
   */
  readonly lua: string;
}
