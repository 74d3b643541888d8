/**
 * Implements `currentJob`; jobs import `current.ts`. It is loaded with that module and not with the subprocess, which
 * serves many jobs that never ask for it.
 *
 * @module
 */

import { optionNames, unknownOption } from "../base/option_names.ts";
import {
  defineProperty,
  freeze,
  joinTexts,
  keysOf,
} from "../base/primordials.ts";
import {
  asStaticMethod,
  formatFuncRef,
  parseFuncRef,
} from "../job/func_ref.ts";
import { CALLBACK_KINDS, checkCallbacks } from "../job/callback.ts";
import { edgesOf } from "../job/dependency.ts";
import {
  decodeJson,
  decodeJsonFor,
  encodeJson,
  type JsonOptions,
} from "../job/json.ts";
import { JOB_OPTIONS, positional } from "../job/call_options.ts";
import { type MetaPatch, patched, readPatch } from "../job/meta.ts";
import { ownOptionsOf, withOwnOptions } from "../job/own_options.ts";
import { methodOf } from "../job/static_method.ts";
import type { JobFunction } from "../job/stored.ts";
import type {
  CurrentEnqueueCall,
  CurrentFunc,
  CurrentJob,
  EnqueuedJob,
  Parent,
  ParentsOf,
} from "./current.ts";
import { Steps } from "./current_steps.ts";
import type {
  EnqueueRequest,
  ParentReport,
  RunRequest,
  StepCall,
} from "./runner.ts";

const { inspect } = Deno;

/** The calls that a running job can make to its worker. */
export interface WorkerCalls {
  /** Adds a job; resolves to its id. */
  enqueue(request: EnqueueRequest): Promise<string>;
  /** What became of the job's parents: JSON of a list of {@linkcode ParentReport}. */
  parents(): Promise<string>;
  /** Merges a patch into the stored `meta`. */
  saveMeta(patch: MetaPatch): Promise<void>;
  /** Stores the job's progress. */
  saveProgress(value: number, note: string | undefined): Promise<void>;
  /** Asks for something that a step needs. */
  steps(call: StepCall): Promise<string>;
  /** Stores parts that the job has yielded, each as JSON. */
  emit(parts: readonly string[]): Promise<void>;
  /** Adds lines to the job's log. */
  log(text: string): void;
}

/** The running job as the subprocess publishes it. */
export interface RunningJob {
  /** The job. */
  readonly request: RunRequest;
  /** Makes calls to the worker. */
  readonly calls: WorkerCalls;
  /** The signal that is aborted when the time is up. */
  readonly signal: () => AbortSignal;
  /** The exports of the job's module, once it is loaded. */
  readonly exports: () => Readonly<Record<string, unknown>>;
  /** The export that was called, or `Class.method`. */
  readonly exportName: string;
  /** Ends the run, which is to go on later, if it then has nothing else to do. */
  readonly sleep: (isIdle: () => boolean) => void;
  /** Its `currentJob`, one for all instances of `current.ts`; created on the first use. */
  currentJob?: CurrentJob;
}

/** The global symbol under which the subprocess publishes a function that returns the running job. */
export const CURRENT: unique symbol = Symbol.for("deno-rq.current");

const OPTIONS = optionNames<Required<CurrentEnqueueCall>>({
  ...JOB_OPTIONS,
  func: true,
  queue: true,
  args: true,
  kwargs: true,
  dependsOn: true,
});

const OPTION_LIST = [...OPTIONS].join(", ");

/** Creates the object behind `currentJob`. */
export function createCurrentJob(job: RunningJob): CurrentJob {
  const { request, calls, signal } = job;
  const steps = new Steps(job);
  let meta: Record<string, unknown> = { ...request.meta };
  const enqueueCall = async (
    given: CurrentEnqueueCall,
  ): Promise<EnqueuedJob> => {
    refuseUnknown(given);
    const call = withOwnOptions(given);
    const { func, queue: named, args, dependsOn, ...others } = call;
    const queue = named ?? ownOptionsOf(func)?.queue;
    const isFollowed = Object.keys(call.kwargs ?? {}).length > 0;
    const rest = {
      ...others,
      args: args && positional(args, isFollowed),
      dependsOn: idsOf(dependsOn),
      group: idsOf(call.group),
      ...namedCallbacks(call, job),
    };
    const name = nameOf(func, job);
    const options = plain(rest, request);
    await heedContract(call, options);
    const stored = queue === undefined
      ? { func: name, options }
      : { func: name, queue, options };
    return { id: await calls.enqueue(stored) };
  };
  return freeze<CurrentJob>({
    id: request.jobId,
    executionId: request.executionId,
    attempt: request.attempt,
    queue: request.origin,
    groupId: request.groupId ?? null,
    get signal() {
      return signal();
    },
    get meta() {
      return meta;
    },
    setMeta: async (patch) => {
      const read = readPatch(patch);
      meta = patched(meta, read);
      await calls.saveMeta(read);
    },
    progress: (value, note) => progress(calls, value, note),
    log: (...values) => calls.log(joinTexts(values.map(textOf), " ")),
    parents: async <R extends readonly unknown[]>() =>
      parentsOf(await calls.parents(), request) as ParentsOf<R>,
    enqueue: (func, ...args) => enqueueCall({ func, args }),
    enqueueCall,
    step: (name, func) => steps.step(name, func),
    sleep: (duration, options) => steps.sleep(duration, options),
    waitFor: (name, options) => steps.waitFor(name, options),
  });
}

/** Checks the arguments by the contract of the function: the worker does not know it. */
async function heedContract(
  { func, dependsOn }: CurrentEnqueueCall,
  { args, kwargs = {} }: Readonly<Record<string, unknown>>,
): Promise<void> {
  const contract = ownOptionsOf(func)?.contract;
  if (contract === undefined) return;
  const named = keysOf(kwargs as object).length > 0 ? [kwargs] : [];
  const all = [...(args ?? []) as unknown[], ...named];
  await contract.check(all, edgesOf(dependsOn).passed.length > 0);
}

/** The callbacks of a call with the names of their functions, which is how the worker gets them. */
function namedCallbacks(
  call: CurrentEnqueueCall,
  job: RunningJob,
): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const { kind, func, timeout } of checkCallbacks(call)) {
    named[CALLBACK_KINDS[kind]] = { func: nameOf(func, job), timeout };
  }
  return named;
}

function parentsOf(text: string, json: JsonOptions): Parent[] {
  const reports = decodeJson(text) as ParentReport[];
  return reports.map(({ result, ...others }) =>
    result === undefined ? others : {
      ...others,
      result: decodeJsonFor(result, `result of job "${others.id}"`, json),
    }
  );
}

function refuseUnknown(call: CurrentEnqueueCall): void {
  const name = unknownOption(call, OPTIONS, "Cannot enqueue");
  if (name === undefined) return;
  throw new TypeError(
    `Cannot enqueue: there is no option "${name}", there are ${OPTION_LIST}`,
  );
}

/** Jobs, or a group, as their ids. What dependency() has made goes as it is; the worker refuses anything else. */
function idsOf(
  given: CurrentEnqueueCall["dependsOn"] | CurrentEnqueueCall["group"],
): unknown {
  if (Array.isArray(given)) return given.map(idsOf);
  const hasId = typeof given === "object" && given !== null && "id" in given;
  return hasId ? given.id : given;
}

/**
 * Stores progress. Not `async`: the very promise that is returned is marked as handled, so that an error does not
 * fail a job that does not await it.
 */
function progress(
  calls: WorkerCalls,
  value: number,
  note: string | undefined,
): Promise<void> {
  if (!(value >= 0 && value <= 1)) {
    throw new RangeError(
      `Cannot store progress: expected a number from 0 to 1, got ${value}`,
    );
  }
  const stored = calls.saveProgress(value, note);
  stored.catch(() => undefined);
  return stored;
}

/** A value as it is logged: a text as it is, anything else as console.log() shows it. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : inspect(value);
}

/** Converts the options to plain JSON one by one, so that the error names the option. */
function plain(
  options: Record<string, unknown>,
  json: JsonOptions,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  const keys = keysOf(options);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const value = options[key];
    if (value === undefined) continue;
    defineProperty(copy, key, {
      __proto__: null,
      value: decodeJson(encodeJson(value, key, json)),
      enumerable: true,
    } as PropertyDescriptor);
  }
  return copy;
}

function nameOf(func: CurrentFunc, job: RunningJob): string {
  if (typeof func === "string") {
    parseFuncRef(func); // refuse it here, so that the job sees the error
    return func;
  }
  if (func instanceof URL) return func.href;
  const found = exportOf(func, job.exports());
  if (found === undefined) throw unknownFunction(func);
  const ref = parseFuncRef(job.request.funcName);
  if (ref.kind === "module") return `${ref.specifier}#${found}`;
  const isExport = ref.exportName === job.exportName;
  const { modulePath } = (isExport ? ref : asStaticMethod(ref)) ?? ref;
  return formatFuncRef(`${modulePath}.ts`, found);
}

function exportOf(
  func: JobFunction,
  exports: Readonly<Record<string, unknown>>,
): string | undefined {
  const names = keysOf(exports);
  for (let i = 0; i < names.length; i++) {
    if (exports[names[i]!] === func) return names[i];
  }
  for (let i = 0; i < names.length; i++) {
    const method = methodOf(func, exports[names[i]!]);
    if (method !== undefined) return `${names[i]}.${method}`;
  }
  return undefined;
}

function unknownFunction(func: JobFunction): TypeError {
  const name = typeof func === "function" ? func.name || "anonymous" : func;
  return new TypeError(
    `Cannot enqueue ${name}: the job's own module does not export it, nor a class or object that has it; name it as "path.to.module.function" or "path/to/module.ts#function"`,
  );
}
