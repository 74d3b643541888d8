/**
 * What is kept of a job's steps: the scripts behind it.
 *
 * @module
 */

import { signalField, sleepField, stepField, waitField } from "../job/steps.ts";
import type { RedisClient } from "../redis/redis_client.ts";
import type { Script } from "../redis/script.ts";
import type { Keys } from "./keys.ts";
import { texts } from "./replies.ts";
import { KEEP_STEP } from "./scripts/keep_step.ts";
import { SIGNAL } from "./scripts/signal.ts";
import { WAIT_STEP } from "./scripts/wait_step.ts";
import type { Execution } from "./worker_types.ts";

/** Where jobs are: a connection, and the names of the keys. */
interface Place {
  readonly client: RedisClient;
  readonly keys: Keys;
}

/** Whether something could be kept: not if there is no room for it, or the execution has lost its job. */
export type Kept = "kept" | "full" | "lost";

/** Keeps what a step of a running job has returned: JSON, or empty for `undefined`. */
export async function keepStep(
  place: Place,
  { id, job }: Execution,
  name: string,
  value: string,
): Promise<Kept> {
  const args = [id, stepField(name), value];
  return (await run(KEEP_STEP, place, job.id, args))[0] as Kept;
}

/**
 * How a wait of a running job stands. `value` is that of the signal that has ended it, as in {@linkcode keepStep}; `at` is
 * when it will be over, in seconds since 1970, `null` for never.
 */
export type WaitState =
  | { readonly type: "over" | "full" | "lost" }
  | { readonly type: "signal"; readonly value: string }
  | { readonly type: "due"; readonly at: number | null };

/** A wait of a running job. */
export interface Wait {
  /** The name of the sleep, or of the signal that it waits for. */
  readonly name: string;
  /** Whether a signal ends it. */
  readonly forSignal: boolean;
  /** How long it lasts; ignored unless this is the first look. @default for ever */
  readonly seconds?: number;
}

/** Looks whether a wait of a running job is over. */
export async function lookAtWait(
  place: Place,
  { id, job }: Execution,
  { name, forSignal, seconds }: Wait,
): Promise<WaitState> {
  const [type, text = ""] = await run(WAIT_STEP, place, job.id, [
    id,
    forSignal ? waitField(name) : sleepField(name),
    seconds ?? "",
    forSignal ? signalField(name) : "",
  ]);
  if (type === "signal") return { type, value: valueOfSignal(text) };
  if (type !== "due") return { type: type as "over" | "full" | "lost" };
  return { type, at: text === "never" ? null : Number(text) };
}

/** What came of giving a job a signal. */
export type SignalReply =
  | {
    readonly type: "given" | "late" | "gone" | "full" | "unfit";
  }
  | { readonly type: "ended"; readonly status: string };

/** Gives a job a signal. */
export async function signal(
  place: Place,
  id: string,
  name: string,
  value: string,
): Promise<SignalReply> {
  const args = [id, name, value, crypto.randomUUID()];
  const [type, status = ""] = await run(SIGNAL, place, id, args);
  return { type, status } as SignalReply;
}

function valueOfSignal(text: string): string {
  return text.slice(text.indexOf(" ") + 1);
}

async function run(
  script: Script,
  { client, keys }: Place,
  jobId: string,
  args: readonly (string | number)[],
): Promise<string[]> {
  const reply = await script.run(
    client,
    [keys.job(jobId)],
    [keys.prefix, ...args],
    { resend: true },
  );
  return typeof reply === "string" ? [reply] : texts(reply);
}
