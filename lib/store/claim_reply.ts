/**
 * Reads the replies of CLAIM and RECLAIM.
 *
 * @module
 */

import { JobRecord } from "../job/record.ts";
import { CLAIM_REPLY, CLAIMED, SKIPPED } from "./records.ts";
import { type PackedFields, Unpacker } from "./unpack.ts";
import type { ClaimReply, Execution, SkippedJob } from "./worker_types.ts";

/** {@linkcode CLAIMED} in TypeScript. */
interface Claimed {
  readonly queue: string;
  readonly jobId: string;
  readonly execution: string;
  readonly fields: PackedFields;
}

const text = (from: Unpacker): string => from.text();
const fields = (from: Unpacker): PackedFields => from.fields();

/** A script's reply. `repeated` means that the claim was executed before; RECLAIM returns its jobs. */
type Reply = Omit<ClaimReply, "kind"> & {
  readonly kind: ClaimReply["kind"] | "repeated";
};

/**
 * Reads a reply; `undefined` for a claim that was executed before.
 *
 * @throws {TypeError} If it is no such reply.
 */
export function readClaim(reply: Uint8Array): ClaimReply | undefined {
  const { kind, ...claim } = readReply(reply);
  return kind === "repeated" ? undefined : { kind, ...claim };
}

function readReply(reply: Uint8Array): Reply {
  return new Unpacker(reply).record<Reply>(CLAIM_REPLY, {
    kind: (from) => from.text() as Reply["kind"],
    serverTime: (from) => Number(from.text()),
    skipped: (from) => from.listOf(readSkipped),
    executions: (from) => from.listOf(readExecution),
  });
}

function readSkipped(from: Unpacker): SkippedJob {
  const readers = { queue: text, jobId: text, reason: text };
  return from.record<SkippedJob>(SKIPPED, readers);
}

const CLAIMED_READERS = { queue: text, jobId: text, execution: text, fields };

function readExecution(from: Unpacker): Execution {
  const claimed = from.record<Claimed>(CLAIMED, CLAIMED_READERS);
  const { queue, jobId, execution } = claimed;
  return { id: execution, queue, job: new JobRecord(jobId, claimed.fields) };
}
