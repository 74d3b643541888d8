/** The executions of a job. @module */

import type { RedisReply } from "../redis/redis_client.ts";
import type { JobStore } from "./job_store.ts";
import { list, noWrongType, texts } from "./replies.ts";

/** The most that are read: a job has one, or several if Python workers have lost some. */
const MOST = 100;

const RESEND = { resend: true } as const;

/** An execution as stored. Its times are in seconds since 1970, or the dates of the job's hash. */
export interface StoredExecution {
  readonly id: string;
  readonly workerName: string;
  readonly createdAt: string;
  readonly lastHeartbeat: string;
}

/**
 * The executions of a job that have not ended. A worker of ours records one at its first heartbeat; before that, the job's
 * hash tells of it.
 */
export async function executionsOf(
  store: JobStore,
  id: string,
): Promise<StoredExecution[]> {
  const { client, keys } = store;
  const [hash, members] = await Promise.all([
    noWrongType(client.send("HMGET", [
      ...[keys.job(id), "status", "x_execution"],
      ...["worker_name", "started_at", "last_heartbeat"],
    ], RESEND)),
    noWrongType(
      client.send("ZRANGE", [keys.executions(id), 0, MOST - 1], RESEND),
    ),
  ]);
  const found = await Promise.all(
    texts(members ?? null).map((e) => fetchExecution(store, id, e)),
  );
  const executions = found.filter((execution) => execution !== null);
  const [status, own, workerName, createdAt, lastHeartbeat] = values(hash);
  if (status !== "started" || !own) return executions;
  // The record of a heartbeat does not know when the run began.
  const began = createdAt ?? "";
  const listed = executions.findIndex((execution) => execution.id === own);
  if (listed >= 0) {
    executions[listed] = { ...executions[listed]!, createdAt: began };
  } else {
    executions.push({
      id: own,
      workerName: workerName ?? "",
      createdAt: began,
      lastHeartbeat: lastHeartbeat || began,
    });
  }
  return executions;
}

async function fetchExecution(
  { client, keys }: JobStore,
  id: string,
  execution: string,
): Promise<StoredExecution | null> {
  const reply = await noWrongType(client.send("HMGET", [
    keys.execution(id, execution),
    ...["worker_name", "created_at", "last_heartbeat"],
  ], RESEND));
  const [workerName = "", createdAt, lastHeartbeat = ""] = values(reply);
  if (!createdAt) return null;
  return { id: execution, workerName, createdAt, lastHeartbeat };
}

/** The values of a HMGET, those that are missing as empty texts. */
function values(reply: RedisReply): string[] {
  return list(reply).map((value) => value === null ? "" : String(value));
}
