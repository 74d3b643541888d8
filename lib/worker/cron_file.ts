/**
 * Stores the schedules that a file declares by calls of `cron()`.
 *
 * The file is loaded in a subprocess, as the modules of jobs are: with the imports of its own project, and whatever it
 * does ends there. That happens when the worker starts. Of several programs with the file, possibly in different
 * versions, the one that has started last decides what it declares: until one starts again, none changes anything. So
 * two versions never fight. Only if Redis has lost what it knew of the file is it read again.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { basename, dirname, relative, sep } from "node:path";
import { projectRoot } from "../base/project.ts";
import { DECLARED_EXPORT, type DeclaredSchedule } from "../job/declared.ts";
import { checkScheduleName } from "../job/names.ts";
import { firstSlot, parseTiming } from "../job/timetable.ts";
import type { JobHost, Outcome, RunRequest } from "../runner/runner.ts";
import { SubprocessRunner } from "../runner/subprocess_runner.ts";
import { childPermissions } from "../runner/permissions.ts";
import type { DeclaredBy, ScheduleStore } from "../store/schedule_store.ts";
import { CannotStartError } from "./errors.ts";
import type { SteadyLog } from "./log.ts";
import { OWN_OUTPUT } from "./output.ts";

/** The options of a {@linkcode CronFile}. */
export interface CronFileOptions {
  /** The file's path. */
  readonly file: string;
  readonly schedules: ScheduleStore;
  readonly log: SteadyLog;
  /** The `deno` that loads it, and its further flags; see `LaunchOptions`. */
  readonly execPath: string | undefined;
  readonly denoArgs: readonly string[];
  /** Fires when the worker is to stop. */
  readonly stopping: AbortSignal;
}

/** How many seconds the file may take to load. */
const LOAD_SECONDS = 60;

/** Fields of a schedule that its file decides. */
const FIELDS = [
  "queue",
  "func_name",
  "cron_job",
  "has_job_id",
  "overlap",
  "missed",
] as const;

/** See the module. */
export class CronFile {
  readonly #options: CronFileOptions;
  readonly #path: string;
  /** Its name, under which Redis knows it: the same on every machine. */
  readonly name: string;

  /** @throws {CannotStartError} If there is no such file. */
  constructor(options: CronFileOptions) {
    this.#options = options;
    this.#path = realPath(options.file);
    this.name = nameOf(this.#path);
  }

  /**
   * Reads the file, stores what it declares, and removes what it declared before.
   *
   * @returns How many schedules it declares.
   * @throws {CannotStartError} If it cannot be loaded, or what it declares cannot be read. Nothing is changed then.
   */
  async apply(): Promise<number> {
    const { schedules, log } = this.#options;
    const declared = checked(this.#options.file, await this.#load());
    const by: DeclaredBy = { file: this.name, token: crypto.randomUUID() };
    await schedules.begin(by);
    for (const schedule of declared) {
      if (await this.#store(schedule, by)) continue;
      log.warn(`Another program has read ${this.name} since, and decides`);
      return declared.length;
    }
    for (const name of await schedules.retire(by)) {
      log.info(`Schedule "${name}" removed: ${this.name} no longer has it`);
    }
    log.info(`${this.name} declares ${counted(declared.length)}`);
    return declared.length;
  }

  /** Reads the file again if Redis has lost what it knew of it. */
  async restore(): Promise<void> {
    const { schedules, log } = this.#options;
    if (await schedules.tokenOf(this.name) !== null) return;
    log.warn(`Redis has lost the schedules of ${this.name}: stored again`);
    await this.apply();
  }

  async #store(schedule: Checked, by: DeclaredBy): Promise<boolean> {
    const { schedules, log } = this.#options;
    const { name, timing, job, fields } = schedule;
    const slot = firstSlot(parseTiming(timing), await schedules.now());
    const stored = { name, timing, job, fields };
    const done = await schedules.upsert(stored, slot, by);
    if (done !== null && done.before !== "" && done.before !== this.name) {
      log.warn(
        `Schedule "${name}" was declared by ${done.before}, now it is by ${this.name}`,
      );
    }
    return done !== null;
  }

  /** What the file declares, as JSON. */
  async #load(): Promise<string> {
    const { file, execPath, denoArgs, log, stopping } = this.#options;
    await using runner = new SubprocessRunner({
      paths: [dirname(this.#path)],
      permissions: await childPermissions(undefined),
      sink: OWN_OUTPUT,
      prewarm: 0,
      denoArgs,
      onWarning: (message) => log.warn(message),
      ...(execPath === undefined ? {} : { execPath }),
    });
    const outcome: Outcome = await runner.run(
      requestOf(`${basename(this.#path)}#${DECLARED_EXPORT}`),
      NO_HOST,
      { signal: stopping },
    );
    if (outcome.type === "success") return outcome.result ?? "[]";
    const why = outcome.type === "failure"
      ? inOneLine(outcome.excInfo)
      : "it is no job that could sleep";
    throw new CannotStartError(
      `Cannot load the schedules of ${file}: ${why}`,
    );
  }
}

/** An error with its causes, without the stacks. */
function inOneLine(excInfo: string): string {
  const lines = excInfo.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !/^at /.test(line)).join(" ");
}

function requestOf(funcName: string): RunRequest {
  return {
    jobId: "",
    executionId: "",
    attempt: 1,
    origin: "",
    funcName,
    args: [],
    kwargs: {},
    meta: {},
    timeout: LOAD_SECONDS,
  };
}

/** No job runs, so that there is nothing that could call it. */
const refuse = (): Promise<never> =>
  Promise.reject(new Error("Cannot be called where no job runs"));
const NO_HOST: JobHost = {
  enqueue: refuse,
  saveMeta: refuse,
  saveProgress: refuse,
  parents: refuse,
  steps: refuse,
  emit: refuse,
  log: refuse,
};

/** A declared schedule after the check. */
type Checked = Omit<DeclaredSchedule, "job"> & { readonly job: Uint8Array };

/** Checks what a subprocess says: its code is not ours. */
function checked(file: string, json: string): Checked[] {
  try {
    const list = JSON.parse(json) as DeclaredSchedule[];
    return list.map(({ name, timing, job, fields }) => {
      parseTiming(timing);
      const given = FIELDS.map((field) => [field, String(fields[field])]);
      return {
        name: checkScheduleName(name),
        timing,
        job: Buffer.from(job, "base64"),
        fields: Object.fromEntries(given),
      };
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CannotStartError(
      `Cannot read the schedules of ${file}: ${why}`,
      { cause },
    );
  }
}

function realPath(file: string): string {
  try {
    const path = Deno.realPathSync(file);
    if (Deno.statSync(path).isFile) return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw new CannotStartError(
    `Cannot load the schedules of ${file}: there is no such file`,
  );
}

/** The path relative to the project, so that it is the same on every machine; the whole one outside of a project. */
function nameOf(path: string): string {
  const project = projectRoot(dirname(path));
  return project === undefined
    ? path
    : relative(project, path).split(sep).join("/");
}

function counted(count: number): string {
  return `${count} ${count === 1 ? "schedule" : "schedules"}`;
}
