/**
 * What the claim script replies.
 *
 * @module
 */

import { JobRecord } from "../job/record.ts";
import { Unpacker } from "./unpack.ts";
import type { ClaimReply, Execution, SkippedJob } from "./worker_types.ts";

/**
 * Reads a reply of the claim script.
 *
 * @throws {TypeError} if it is none
 */
export function readClaim(reply: Uint8Array): ClaimReply {
  const from = new Unpacker(reply);
  const length = from.list();
  const kind = from.text() as ClaimReply["kind"];
  const serverTime = Number(from.text());
  const skipped = readSkipped(from);
  const executions: Execution[] = [];
  for (let i = 3; i < length; i += 4) executions.push(readExecution(from));
  return { kind, serverTime, executions, skipped };
}

function readSkipped(from: Unpacker): SkippedJob[] {
  const skipped: SkippedJob[] = [];
  for (let left = from.list(); left > 0; left -= 3) {
    skipped.push({
      queue: from.text(),
      jobId: from.text(),
      reason: from.text(),
    });
  }
  return skipped;
}

function readExecution(from: Unpacker): Execution {
  const queue = from.text();
  const jobId = from.text();
  const id = from.text();
  return { id, queue, job: new JobRecord(jobId, from.fields()) };
}
