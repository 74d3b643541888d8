/**
 * A job that has ended, as it is kept with the job that is told of it: the hash may be gone or changed by then.
 *
 * @module
 */

import { JobRecord } from "../job/record.ts";
import { Unpacker } from "./unpack.ts";

/** A job that has ended, and what it has left. */
export interface EndedRecord {
  /** Its id, status, queue, dates and data. */
  readonly job: JobRecord;
  /** Base64 of its JSON result or of its zlib-compressed failure; empty for none. */
  readonly outcome: string;
}

const decoder = new TextDecoder();

/**
 * Reads what a job was told of another one.
 *
 * @throws {TypeError} If that is broken.
 */
export function endedRecord(told: JobRecord): EndedRecord {
  const packed = told.fields.get("x_ended") ?? new Uint8Array();
  const fields = new Unpacker(packed).fields();
  const job = new JobRecord(decoder.decode(fields.get("id")), {
    get: (name) =>
      name === "data" ? told.fields.get("x_ended_data") : fields.get(name),
  });
  return { job, outcome: told.text("x_ended_outcome") ?? "" };
}
