/**
 * The command `enqueue`, RQ's.
 *
 * @module
 */

import { describeCall } from "../../job/description.ts";
import type { EnqueueCall } from "../../queue/enqueue_call.ts";
import { Queue } from "../../queue/queue.ts";
import { type Command, defineCommand, JSON_FLAG } from "../command.ts";
import { fromFlags, UsageError } from "../flags.ts";
import { styled } from "../output.ts";
import { parseCallArguments } from "../rq_arguments.ts";

/** Enqueues a call. */
export const command: Command = defineCommand({
  args: "FUNCTION [ARGUMENTS…]",
  about: [
    "FUNCTION is jobs.mail.send, ./jobs/mail.ts#send or a URL. An argument is a text; with : before it JSON, with % a literal of Python; with NAME=, NAME:= or NAME%= a keyword argument. @FILE is what is in a file. Behind --, an argument may begin with -.",
    "TIME is seconds, or text such as 90s, 5m, 1h30m.",
  ],
  flags: {
    queue: { short: "q", value: "NAME", help: "its queue (default: default)" },
    timeout: { value: "TIME", help: "longest run; -1 for no limit" },
    resultTtl: {
      value: "TIME",
      help: "how long the result is kept; 0 not at all, -1 for ever",
    },
    ttl: { value: "TIME", help: "longest wait in the queue" },
    failureTtl: { value: "TIME", help: "how long it is kept if it fails" },
    description: { value: "TEXT", help: "what logs and dashboards show" },
    dependsOn: {
      value: "ID",
      repeatable: true,
      help: "a job that has to finish before",
    },
    jobId: { value: "ID", help: "its id (default: a random one)" },
    atFront: { help: "put it at the head of the queue" },
    retryMax: { value: "N", help: "how often it is tried again" },
    retryInterval: {
      value: "SECONDS",
      repeatable: true,
      help:
        "the time before it is tried again; given often, one after the other",
    },
    scheduleIn: {
      value: "TIME",
      help: "run it no sooner than after this time",
    },
    scheduleAt: {
      value: "DATE",
      help:
        "run it no sooner than at this time, such as 2027-05-27T21:45:00 (local time)",
    },
    tag: { value: "TAG", repeatable: true, help: "a word to find it by" },
    wait: { help: "wait for its result and print it as JSON" },
    quiet: { help: "print nothing but errors" },
    json: JSON_FLAG,
  },
  async run({ args, flags, connection, out }) {
    const [func, ...texts] = args;
    if (func === undefined) throw new UsageError("enqueue needs a function");
    const { args: given, kwargs } = await parseCallArguments(texts);
    const call = fromFlags(() => ({
      func,
      args: given,
      kwargs,
      ...optionsOf(flags),
    }));
    await using queue = fromFlags(() =>
      new Queue(flags.queue ?? "default", connection)
    );
    const job = await fromFlags(() => queue.enqueueCall(call));
    if (flags.json && !flags.wait) {
      await out.json({ id: job.id, status: await job.getStatus() });
    } else if (!flags.quiet && !flags.wait) {
      const shown = styled("blue", describeCall(func, given, kwargs));
      await out.line("Enqueued ", shown, ` with job-id '${job.id}'.`);
    }
    if (flags.wait) await out.json(await job.wait() ?? null);
  },
});

interface Flags {
  readonly timeout: string | undefined;
  readonly resultTtl: string | undefined;
  readonly ttl: string | undefined;
  readonly failureTtl: string | undefined;
  readonly description: string | undefined;
  readonly dependsOn: readonly string[];
  readonly jobId: string | undefined;
  readonly atFront: boolean;
  readonly retryMax: string | undefined;
  readonly retryInterval: readonly string[];
  readonly scheduleIn: string | undefined;
  readonly scheduleAt: string | undefined;
  readonly tag: readonly string[];
}

function optionsOf(flags: Flags): Partial<EnqueueCall> {
  const { timeout, resultTtl, ttl, failureTtl, description, jobId } = flags;
  const { dependsOn, tag, atFront } = flags;
  const options = {
    ...{ timeout, resultTtl, ttl, failureTtl, description, jobId },
    ...(dependsOn.length > 0 ? { dependsOn } : {}),
    ...(tag.length > 0 ? { tags: tag } : {}),
    ...(atFront ? { atFront } : {}),
    ...retryOf(flags),
    ...timeOf(flags),
  };
  const said = Object.entries(options).filter(([, value]) =>
    value !== undefined
  );
  return Object.fromEntries(said);
}

/** As in RQ, 0 is none, and an interval counts only with it. */
function retryOf(
  { retryMax, retryInterval }: Flags,
): Pick<EnqueueCall, "retry"> | undefined {
  const max = wholeNumber("--retry-max", retryMax ?? "0");
  const interval = retryInterval.map((text) =>
    wholeNumber("--retry-interval", text)
  );
  if (max === 0) return undefined;
  return { retry: { max, ...(interval.length > 0 ? { interval } : {}) } };
}

function wholeNumber(label: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(
    `Cannot use ${label} "${text}": expected a whole number`,
  );
}

function timeOf(
  { scheduleIn, scheduleAt }: Flags,
): Pick<EnqueueCall, "at" | "in"> | undefined {
  if (scheduleIn === undefined) {
    return scheduleAt === undefined ? undefined : { at: new Date(scheduleAt) };
  }
  if (scheduleAt === undefined) return { in: scheduleIn };
  throw new UsageError("Cannot use both --schedule-in and --schedule-at");
}
