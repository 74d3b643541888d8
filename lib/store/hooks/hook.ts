/** The interface of hooks. @module */

import type { JobField } from "../../job/fields.ts";

/** Something that comes with a job and has to be handled when the job ends. */
export interface Hook {
  /** Its name, with which its main piece of Lua begins. */
  readonly name: string;
  /** Fields of the job's hash that it reads; in Lua they are `job.FIELD`. */
  readonly reads: readonly JobField[];
  /** Fields that show that a job has this. Its end is then sent to SETTLE, since FINISH calls no hooks. */
  readonly marks: readonly JobField[];
  /**
   * Pieces of Lua, among them `NAME_ended(job, status)`. The status is that of an ended job, or `deleted` if the job is
   * about to be deleted, whether it has ended or not.
   */
  readonly lua: string;
}
