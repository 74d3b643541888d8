/**
 * What `doctor` looks at, each a check of its own.
 *
 * @module
 */

import { Queue } from "../queue/queue.ts";
import { isSuspended } from "../queue/suspension.ts";
import { WorkerInfo } from "../queue/worker_info.ts";
import type { ConnectionOptions } from "../store/connection.ts";
import type { JobStore } from "../store/job_store.ts";
import { pausedUntil } from "../store/pauses.ts";
import { queueCounts } from "../store/queue_counts.ts";
import { noWrongType } from "../store/replies.ts";
import {
  ghosts,
  lostJobs,
  type StrayOptions,
  strayResults,
} from "../store/strays.ts";
import { WorkerStore } from "../store/worker_store.ts";

/** Something that was looked at. */
export interface Finding {
  /** `mended`: it was wrong. `note`: it may be meant. */
  readonly kind: "ok" | "note" | "mended" | "wrong";
  readonly text: string;
  /** Ids of jobs that it is about, some of them. */
  readonly jobIds?: readonly string[];
}

/** Where it is looked, and how. */
export interface Patient extends StrayOptions {
  readonly store: JobStore;
  readonly connection: ConnectionOptions;
}

/** How many ids a finding names. */
const SAMPLE = 5;

/** How late a scheduled job may be before it is told. */
const OVERDUE_SECONDS = 60;

/** The server: its version, whether it evicts jobs, and what its user may do. */
export async function* checkServer(
  { store }: Patient,
): AsyncGenerator<Finding> {
  const { client, keys } = store;
  const info = String(await client.send("INFO", [], { resend: true }));
  const fields = new Map(
    info.split(/\r?\n/).map((line) => line.split(":", 2) as [string, string]),
  );
  const version = fields.get("redis_version") ?? "?";
  yield {
    kind: "ok",
    text: `Redis ${version} at ${client.url}, keys ${keys.prefix}*`,
  };
  const policy = fields.get("maxmemory_policy") ?? "noeviction";
  if (policy !== "noeviction") {
    yield {
      kind: "wrong",
      text:
        `Redis may evict jobs: its maxmemory-policy is ${policy}, set it to noeviction`,
    };
  }
  const denied = await new WorkerStore(client, keys).deniedCommands();
  if (denied.size > 0) {
    const names = [...denied.keys()].join(", ");
    yield { kind: "wrong", text: `The Redis user may not call ${names}` };
  }
}

/** Whether jobs that wait are going to be run. */
export async function* checkWork(
  { store, connection }: Patient,
): AsyncGenerator<Finding> {
  const queues = (await Queue.all(connection)).map(({ name }) => name);
  const [all, counts, ends] = await Promise.all([
    WorkerInfo.all(connection),
    queueCounts(store, queues),
    pausedUntil(store, queues),
  ]);
  const workers = all.filter(({ isAlive }) => isAlive);
  yield {
    kind: "ok",
    text: `${queues.length} queues, ${workers.length} living workers`,
  };
  if (await isSuspended(connection)) {
    yield {
      kind: "note",
      text: "All workers are suspended; see rq-worker resume",
    };
  }
  for (const [i, { name, count }] of counts.entries()) {
    if (count === 0) continue;
    if (ends[i] !== null) {
      yield {
        kind: "note",
        text: `Queue ${name} is paused, ${count} jobs wait`,
      };
    } else if (!workers.some(({ queues }) => queues.includes(name))) {
      yield {
        kind: "wrong",
        text: `No worker listens to queue ${name}, ${count} jobs wait`,
      };
    }
  }
  for (const name of queues) yield* checkDue(store, name);
}

/** Whether somebody queues what is due. */
async function* checkDue(
  store: JobStore,
  queue: string,
): AsyncGenerator<Finding> {
  const key = store.keys.registry("scheduled", queue);
  const until = Date.now() / 1_000 - OVERDUE_SECONDS;
  const reply = await noWrongType(
    store.client.send("ZCOUNT", [key, "-inf", until], { resend: true }),
  );
  const due = Number(reply ?? 0);
  if (due === 0) return;
  yield {
    kind: "wrong",
    text:
      `${due} scheduled jobs of queue ${queue} are due for more than a minute: no worker with a scheduler listens to it`,
  };
}

/** Whether anything is left of jobs that are gone. */
export async function* checkStrays(
  patient: Patient,
): AsyncGenerator<Finding> {
  const { store, connection, mend } = patient;
  for (const { name } of await Queue.all(connection)) {
    const found = await collect(ghosts(store, name, patient));
    if (found.count === 0) continue;
    yield {
      kind: mend ? "mended" : "wrong",
      text:
        `${found.count} ids in registries of queue ${name} are of jobs that are gone`,
      jobIds: found.sample,
    };
  }
  const results = await collect(strayResults(store, patient));
  if (results.count === 0) return;
  yield {
    kind: mend ? "mended" : "wrong",
    text:
      `${results.count} results are of jobs that are gone, and never expire`,
    jobIds: results.sample,
  };
}

/** Whether all jobs are where their status says. */
export async function* checkJobs(patient: Patient): AsyncGenerator<Finding> {
  const byStatus = new Map<string, { count: number; sample: string[] }>();
  for await (const { id, status } of lostJobs(patient.store, patient)) {
    const found = byStatus.get(status) ?? { count: 0, sample: [] };
    byStatus.set(status, found);
    found.count++;
    if (found.sample.length < SAMPLE) found.sample.push(id);
  }
  for (const [status, { count, sample }] of byStatus) {
    yield {
      kind: "wrong",
      text:
        `${count} jobs are ${status}, and in no registry: see rq-worker job show ID, job delete ID`,
      jobIds: sample,
    };
  }
}

async function collect(
  ids: AsyncIterable<string>,
): Promise<{ readonly count: number; readonly sample: readonly string[] }> {
  let count = 0;
  const sample: string[] = [];
  for await (const id of ids) {
    count++;
    if (sample.length < SAMPLE) sample.push(id);
  }
  return { count, sample };
}
