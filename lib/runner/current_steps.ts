/**
 * The steps of the running job: what is done once, and waits that give the worker back. Loaded with `current.ts`.
 *
 * @module
 */

import { parseDuration } from "../base/duration.ts";
import { optionNames, unknownOption } from "../base/option_names.ts";
import { sliceText } from "../base/primordials.ts";
import { decodeJsonFor, encodeJson } from "../job/json.ts";
import { checkStepName } from "../job/steps.ts";
import type { Stored } from "../job/stored.ts";
import type { CurrentJob, SleepOptions, WaitForOptions } from "./current.ts";
import type { RunningJob } from "./current_job.ts";
import type { StepCall } from "./runner.ts";

const SLEEP_OPTIONS = optionNames<SleepOptions>({ name: true });
const WAIT_OPTIONS = optionNames<WaitForOptions>({ timeout: true });

/** Knows which step the current code belongs to. Only a job that does a step needs it. */
let inside: Promise<StepContext> | undefined;

/** A part of `AsyncLocalStorage`. */
interface StepContext {
  run<T>(step: string, func: () => T): T;
  getStore(): string | undefined;
}

async function loadContext(): Promise<StepContext> {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  return new AsyncLocalStorage<string>();
}

/** What one run does in steps. */
export class Steps implements Pick<CurrentJob, "step" | "sleep" | "waitFor"> {
  readonly #job: RunningJob;
  /** The steps and sleeps of this run that are done or in progress. */
  readonly #steps = new Set<string>();
  readonly #sleepNames = new Set<string>();
  #sleeps = 0;
  #inProgress = 0;
  /** Whether it waits for something that has not come yet. */
  #isWaiting = false;

  /** One for each run. */
  constructor(job: RunningJob) {
    this.#job = job;
  }

  /** See `CurrentJob.step()`. */
  async step<T>(name: string, func: () => T): Promise<Stored<Awaited<T>>> {
    take(this.#steps, checkStepName(name, "step"), "step");
    this.#inProgress++;
    try {
      const kept = await this.#job.calls.steps({ method: "step", name });
      const value = kept === ""
        ? await this.#do(name, func)
        : sliceText(kept, 1);
      return this.#decode(value, `what step "${name}" has returned`);
    } catch (error) {
      this.#steps.delete(name); // the job may try it again
      throw error;
    } finally {
      this.#inProgress--;
      this.#sleepIfIdle();
    }
  }

  /** Does a step, and keeps what it returns; gives that as it is kept, so that it is the same in all runs. */
  async #do(name: string, func: () => unknown): Promise<string> {
    const context = await (inside ??= loadContext());
    const value = await context.run(name, func);
    const label = `what step "${name}" returns`;
    const text = value === undefined
      ? ""
      : encodeJson(value, label, this.#job.request);
    const call: StepCall = { method: "keepStep", name, value: text };
    await this.#job.calls.steps(call);
    return text;
  }

  /** See `CurrentJob.sleep()`. */
  async sleep(
    duration: Parameters<CurrentJob["sleep"]>[0],
    options: SleepOptions = {},
  ): Promise<void> {
    refuseUnknown(options, SLEEP_OPTIONS, "sleep");
    const seconds = parseDuration(duration, "duration", {
      zero: true,
      fraction: true,
    });
    // By the first sign, no name can be taken for the number of another sleep.
    const name = options.name === undefined
      ? `#${++this.#sleeps}`
      : `=${checkStepName(options.name, "sleep")}`;
    take(this.#sleepNames, name, "sleep");
    await this.#refuseInside("sleep");
    await this.#wait({ method: "sleep", name, seconds });
  }

  /** See `CurrentJob.waitFor()`. */
  async waitFor<T = unknown>(
    name: string,
    options: WaitForOptions = {},
  ): Promise<T> {
    refuseUnknown(options, WAIT_OPTIONS, "wait");
    checkStepName(name, "signal");
    const { timeout = Infinity } = options;
    const seconds = parseDuration(timeout, "timeout", {
      zero: true,
      fraction: true,
      infinite: true,
    });
    await this.#refuseInside("wait");
    const method = "waitFor";
    const reply = await this.#wait(
      seconds === Infinity ? { method, name } : { method, name, seconds },
    );
    if (reply !== "over") {
      const label = `the value of signal "${name}"`;
      return this.#decode(sliceText(reply, 1), label);
    }
    throw new DOMException(
      `The signal "${name}" has not come in time`,
      "TimeoutError",
    );
  }

  /** Waits; gives the worker's answer once it is over. Until then, the run ends here, and another one goes on. */
  async #wait(call: StepCall): Promise<string> {
    const reply = await this.#job.calls.steps(call);
    if (reply !== "") return reply;
    this.#isWaiting = true;
    this.#sleepIfIdle();
    return await new Promise(() => {});
  }

  /** A step that sleeps would be begun again after the sleep, and be in progress for ever until then. */
  async #refuseInside(what: string): Promise<void> {
    const step = (await inside)?.getStore();
    if (step === undefined) return;
    throw new Error(`Cannot ${what} in step "${step}": do it between steps`);
  }

  /** Steps in progress are waited for, and those that follow them at once, too. */
  #sleepIfIdle(): void {
    if (!this.#isWaiting || this.#inProgress > 0) return;
    this.#job.sleep(() => this.#inProgress === 0);
  }

  #decode<T>(text: string, label: string): T {
    const value = text === ""
      ? undefined
      : decodeJsonFor(text, label, this.#job.request);
    return value as T;
  }
}

/** Notes a name that is to be used once in each run: another use would be taken for the first one. */
function take(names: Set<string>, name: string, what: string): void {
  if (!names.has(name)) names.add(name);
  else {
    throw new Error(
      `Cannot use ${what} "${name}" twice in one run: in a loop, make a part of the name what the turn is about`,
    );
  }
}

function refuseUnknown(
  options: object,
  names: ReadonlySet<string>,
  what: string,
): void {
  const name = unknownOption(options, names, `Cannot ${what}`);
  if (name === undefined) return;
  throw new TypeError(
    `Cannot ${what}: there is no option "${name}", there is ${
      [...names].join(", ")
    }`,
  );
}
