/** Calls that are sent twice, of jobs with steps, or that yield; see tests/store/replay_test.ts. */

import { emit } from "../../lib/store/parts.ts";
import { keepStep, lookAtWait, signal } from "../../lib/store/steps.ts";
import type { Scene, Twice } from "./replay_test.ts";
import { endOne } from "./support.ts";

const WAKE = JSON.stringify({ at: 4_000_000_000, signals: ["go"] });
const ASLEEP = { outcome: "asleep", ttl: 0, workedMs: 5 } as const;

async function running({ bench, worker }: Twice) {
  await bench.add("a");
  return await bench.claim(worker);
}

/** A job that sleeps until the signal. */
async function sleeping(twice: Twice): Promise<void> {
  const { bench, worker } = twice;
  const execution = await running(twice);
  await bench.end(worker, execution, { ...ASLEEP, payload: WAKE });
}

export const STEP_SCENES: [string, Scene][] = [
  ["keep a step", async (twice) => {
    const execution = await running(twice);
    return () => keepStep(twice.workers, execution, "one", `{"a":1}`);
  }],
  ["look at a wait that begins", async (twice) => {
    const execution = await running(twice);
    const wait = { name: "go", forSignal: true };
    return () => lookAtWait(twice.workers, execution, wait);
  }],
  ["look at a sleep that is over", async (twice) => {
    const execution = await running(twice);
    const sleep = { name: "#1", forSignal: false, seconds: 0 };
    return () => lookAtWait(twice.workers, execution, sleep);
  }],
  ["yield the first parts", async (twice) => {
    const execution = await running(twice);
    const parts = { from: 0, parts: ["1", "2"], ttl: 60 };
    return () => emit(twice.workers, execution, parts);
  }],
  ["yield more parts", async (twice) => {
    const execution = await running(twice);
    await emit(twice.workers, execution, { from: 0, parts: ["1"], ttl: 60 });
    const more = { from: 1, parts: ["2", "3"], ttl: 60 };
    return () => emit(twice.workers, execution, more);
  }],
  ["finish: it has yielded", async (twice) => {
    const { workers, worker } = twice;
    const execution = await running(twice);
    await emit(twice.bench.workers, execution, {
      from: 0,
      parts: ["1"],
      ttl: 60,
    });
    const end = {
      outcome: "finished",
      ttl: 500,
      payload: "",
      workedMs: 5,
    } as const;
    return () => endOne(workers, worker, execution, end);
  }],
  ["fall asleep", async (twice) => {
    const execution = await running(twice);
    const end = { ...ASLEEP, payload: WAKE };
    return () => endOne(twice.workers, twice.worker, execution, end);
  }],
  ["fall asleep: the signal has come", async (twice) => {
    const execution = await running(twice);
    await signal(twice.bench.jobs, "a", "go", "1");
    const end = { ...ASLEEP, payload: WAKE };
    return () => endOne(twice.workers, twice.worker, execution, end);
  }],
  ["signal: wakes the job", async (twice) => {
    await sleeping(twice);
    return () => signal(twice.jobs, "a", "go", "1");
  }],
  ["signal: before the job waits for it", async (twice) => {
    await running(twice);
    return () => signal(twice.jobs, "a", "go", "1");
  }],
];
