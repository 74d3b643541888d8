/** What RQ itself does to a job in each state, next to what is done here: see the table in tests/store/transitions_test.ts. */

import { assertEquals } from "@std/assert";
import {
  JOB,
  type JobState,
  lostExecution,
  QUEUE,
  setScene,
  stateOf,
  STATES,
} from "../store/job_states.ts";
import { TRANSITIONS } from "../store/job_transitions.ts";
import { Bench } from "../store/support.ts";
import { testUnless } from "../support/skip.ts";
import { Bridge } from "./programs.ts";
import { findPythons, REASON } from "./support.ts";

/** Transitions of the table that RQ has, too, and what it calls them. */
const OPERATIONS: Readonly<Record<string, string>> = {
  "cancel": `fetch(args["id"]).cancel()`,
  "delete": `fetch(args["id"]).delete()`,
  "requeue": `fetch(args["id"]).requeue()`,
  "take off the queue": `queue(args["queue"]).remove(args["id"])`,
  "empty the queue": `queue(args["queue"]).empty()`,
  "delete the queue": `queue(args["queue"]).delete(delete_jobs=False)`,
  "recover": `clean_registries(queue(args["queue"]))`,
};

/** Where RQ leaves the job in another state than ours. */
const DIFFERENT: Readonly<Record<string, string>> = {
  // It does not look for a job that a worker has popped, and leaves its id to the worker.
  "cancel, popped": "canceled+popped",
  "delete, popped": "gone+popped",
  // It does all in one pass, for which there are rows of their own here.
  "recover, ready": "queued",
  "recover, limited": "queued+slot",
};

const STATE_NAMES = Object.keys(STATES) as JobState[];

const python = (await findPythons()).find(({ major }) => major >= 3);
const reason = python === undefined ? REASON : undefined;

/** A Redis, and RQ on it. */
class Both implements AsyncDisposable {
  readonly bench: Bench;
  readonly #bridge: Bridge;

  private constructor(bench: Bench, bridge: Bridge) {
    this.bench = bench;
    this.#bridge = bridge;
  }

  static async open(): Promise<Both> {
    const bench = await Bench.open();
    return new Both(bench, new Bridge(python!.path, bench.server.url));
  }

  /** Runs Python code that leaves its answer in `out`. */
  py<T>(code: string): Promise<T> {
    return this.#bridge.run<T>(code, { id: JOB, queue: QUEUE });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bridge[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}

testUnless(reason, "the table has every status of RQ", async () => {
  await using both = await Both.open();
  const statuses = await both.py<string[]>(
    `
    from rq.job import JobStatus
    out = [status.value for status in JobStatus]
    `,
  );
  const known = STATE_NAMES.map((name) => STATES[name].status);
  assertEquals(statuses.filter((status) => !known.includes(status)), []);
});

for (const [name, code] of Object.entries(OPERATIONS)) {
  testUnless(
    reason,
    `${name}: RQ leaves a job in each state where it is left here`,
    async (t) => {
      await using both = await Both.open();
      const { bench } = both;
      for (const before of STATE_NAMES) {
        await t.step(before, async () => {
          const scene = await setScene(bench);
          const execution = await STATES[before].make(scene) ?? lostExecution();
          await TRANSITIONS[name]!.run({ ...scene, execution });
          const expected = DIFFERENT[`${name}, ${before}`] ??
            await stateOf(bench);
          await STATES[before].make(await setScene(bench));
          await both.py(
            `
          from rq.exceptions import InvalidJobOperation
          try:
              ${code}
          except (InvalidJobOperation, NoSuchJobError):
              pass
          `,
          );
          assertEquals(await stateOf(bench), expected);
        });
      }
    },
  );
}
