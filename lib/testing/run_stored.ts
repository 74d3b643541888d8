/**
 * Runs the jobs of a store in memory, in this process.
 *
 * @module
 */

import { CALLBACK_TIMEOUT } from "../job/callback.ts";
import { encodeData } from "../job/codec.ts";
import { formatDate, uniqueMicros } from "../base/date.ts";
import type { JobField } from "../job/fields.ts";
import { errorOfTraceback } from "../job/failure.ts";
import { isUrlSpecifier, parseFuncRef } from "../job/func_ref.ts";
import { encodeJson } from "../job/json.ts";
import { placeOf } from "../queue/func_name.ts";
import type { RedisArg } from "../redis/redis_client.ts";
import { loadModule } from "../runner/child_job.ts";
import { describeJobError } from "../runner/describe_error.ts";
import { resolveFunc } from "../runner/resolve.ts";
import type { RunRequest } from "../runner/runner.ts";
import { toldOf } from "../worker/callback_run.ts";
import { requestOf } from "../worker/execution.ts";
import { passedResult } from "../worker/parents.ts";
import { defaultPaths } from "../worker/paths.ts";
import { MemoryCalls } from "./calls.ts";
import type { MemoryContext } from "./memory_context.ts";
import type { MemoryJob } from "./memory_job.ts";
import { type HereOutcome, runHere, type Target } from "./run_here.ts";

/** Runs one job of a store, which has left its queue, and stores how it ended. Does not throw for its failure. */
export async function runStored(
  context: MemoryContext,
  job: MemoryJob,
): Promise<void> {
  job.start();
  const outcome = await runOne(context, job);
  if (context.store.get(job.id) !== job) return; // it was deleted while it ran
  if (job.status !== "started") return context.store.changed(); // it was canceled
  if (outcome.type === "success") job.finish(outcome.result);
  else job.fail(outcome.excInfo, outcome.thrown);
  addCallback(context, job);
  context.store.ended(job);
}

async function runOne(
  context: MemoryContext,
  job: MemoryJob,
): Promise<HereOutcome> {
  let request: RunRequest;
  let target: Target;
  try {
    request = await requestFor(context, job);
    target = await targetOf(request);
  } catch (thrown) {
    const { excInfo } = describeJobError(thrown);
    return { type: "failure", excInfo, thrown };
  }
  const calls = new MemoryCalls(job, context, target);
  const outcome = await runHere(request, target, calls);
  await calls.settled();
  return outcome;
}

/** What is run: the call, and the results that are passed to it. */
async function requestFor(
  { store, bigInts }: MemoryContext,
  { record, origin: queue }: MemoryJob,
): Promise<RunRequest> {
  const execution = { id: crypto.randomUUID(), queue, job: record };
  const request = requestOf(execution, bigInts);
  const passed = await Promise.all(
    record.passedIds.map(async (id) =>
      passedResult(await store.state(id), bigInts)
    ),
  );
  return { ...request, args: [...request.args, ...passed] };
}

/**
 * Finds a function: where this program has enqueued it from, else where a worker that is started here looks.
 *
 * @throws {Error} If it is not there.
 */
export async function targetOf(request: RunRequest): Promise<Target> {
  const { funcName } = request;
  const place = placeOf(funcName) ?? urlOf(funcName) ??
    resolveFunc(funcName, { paths: defaultPaths() });
  const { url, exportName } = place;
  const loaded = await loadModule({ url, exportName, request });
  if (loaded.type === "loaded") return { ...loaded, exportName };
  throw errorOfTraceback(loaded.failure.excInfo);
}

/** A module of a registry or a server needs no looking for. */
function urlOf(name: string): { url: string; exportName: string } | undefined {
  const ref = parseFuncRef(name);
  const isUrl = ref.kind === "module" && isUrlSpecifier(ref.specifier) &&
    !ref.specifier.startsWith("file:");
  return isUrl ? { url: ref.specifier, exportName: ref.exportName } : undefined;
}

/** Enqueues what is to be called after the end of a job, as a job of its own, at the head of the queue. */
function addCallback({ store, bigInts }: MemoryContext, job: MemoryJob): void {
  const { record, state } = job;
  const kind = state.status === "finished" ? "success" : "failure";
  const name = record.text(`${kind}_callback_name`);
  if (name === undefined) return;
  const { returnValue, excString } = state.latest!;
  const outcome = returnValue ?? excString ?? "";
  const told = toldOf({ job: record, outcome }, bigInts);
  const json = encodeJson([told], "args", { bigInts: true });
  const timeout = record.seconds(`${kind}_callback_timeout`) ??
    CALLBACK_TIMEOUT;
  store.add({
    id: `${job.id}-on-${kind}-${record.text("x_attempts")}`,
    isIdNew: true,
    queue: job.origin,
    atFront: true,
    due: undefined,
    fields: new Map<JobField, RedisArg>([
      ["created_at", formatDate(uniqueMicros())],
      ["data", encodeData(name, json, "{}")],
      ["description", `${name}, on ${kind} of ${job.id}`],
      ["timeout", timeout],
    ]),
  });
}
