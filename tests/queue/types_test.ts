/** Arguments and results are typed from the function: most of this is checked by the compiler. */

import { assertEquals } from "@std/assert";
import { Group } from "../../lib/queue/group.ts";
import type { Job } from "../../lib/queue/job.ts";
import type { EnqueueCall } from "../../lib/queue/enqueue_call.ts";
import type { NotJson } from "../../lib/job/stored.ts";
import { job as makeJob } from "../../lib/queue/job_function.ts";
import type { Queue } from "../../lib/queue/queue.ts";
import { callback } from "../../lib/job/callback.ts";
import type { FailedJob, FinishedJob, StoppedJob } from "../../mod.ts";
import { dependency } from "../../lib/job/dependency.ts";
import { currentJob } from "../../lib/runner/current.ts";
import report, { nothing, send } from "./fixtures/project/jobs/mail.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

function is<A, B>(_same: Same<A, B>): void {}

declare function asks(when: Date, big: bigint, map: Map<string, number>): void;
declare function shape(of: { a?: string; tags: string[] }): Shape;
declare function named(options: { n: number }): number;
declare function kept(day: { at: string | undefined }, any: unknown): void;
declare function soon(): Promise<Date>;

interface Shape {
  when: Date;
  maybe?: Date;
  gaps: (number | undefined)[];
  url: URL;
  size: bigint;
  pair: [Date, "a" | 1];
  inner: { lost(): void; kept: boolean };
}

/** Never called. */
export async function stored(queue: Queue): Promise<void> {
  const job = await queue.enqueue(shape, { tags: [] });
  is<
    typeof job,
    Job<{
      when: string;
      maybe?: string;
      gaps: (number | null)[];
      url: string;
      size: bigint | number;
      pair: [string, "a" | 1];
      inner: { kept: boolean };
    }>
  >(true);
  const later = await queue.enqueue(soon);
  is<typeof later, Job<string>>(true);
  const key = await queue.enqueue<typeof shape>("a.shape", { tags: ["a"] });
  is<Awaited<ReturnType<typeof key.wait>>["when"], string>(true);
  await queue.enqueue(kept, { at: undefined }, 1);

  const refused = await queue.enqueue(() => new Map<string, number>());
  is<typeof refused, Job<NotJson<Map<string, number>>>>(true);
  // @ts-expect-error a Date arrives as a text
  await queue.enqueueCall({ func: (_: Date) => 1, args: [new Date()] });
  // @ts-expect-error none of them arrives as it was
  await queue.enqueue(asks, new Date(), 1n, new Map());
  // @ts-expect-error a Date inside arrives as a text
  await queue.enqueue((_: { at: Date }) => 1, { at: new Date() });
}

/** Never called. */
export async function called(queue: Queue): Promise<void> {
  await queue.enqueueCall({ func: nothing });
  const byName = await queue.enqueueCall({ func: named, kwargs: { n: 1 } });
  is<typeof byName, Job<number>>(true);
  // @ts-expect-error its arguments are missing
  await queue.enqueueCall({ func: send });
  // @ts-expect-error the first argument is missing
  await queue.enqueueCall({ func: send, args: [] });
}

/** Never called. */
export async function many(queue: Queue): Promise<void> {
  const three = await queue.enqueueMany([
    { func: send, args: ["a"] },
    { func: report, args: [2026], timeout: "5m" },
    { func: nothing },
  ]);
  is<typeof three, [Job<string>, Job<number>, Job<void>]>(true);
  const names = ["a", "b"].map((to) => ({ func: send, args: [to] }));
  const mapped = await queue.enqueueMany(names);
  is<typeof mapped, Job<string>[]>(true);
  const keyed: EnqueueCall<typeof send>[] = [{ func: "m.send", args: ["a"] }];
  const ofKeyed = await queue.enqueueMany(keyed);
  is<typeof ofKeyed, Job<string>[]>(true);
  const any: readonly EnqueueCall[] = Array(3).fill({ func: "a.b" });
  await queue.enqueueMany(any);
  await queue.enqueueMany([...any, { func: "a.b", kwargs: { a: 1 } }]);

  // @ts-expect-error the argument is a text
  await queue.enqueueMany([{ func: nothing }, { func: send, args: [1] }]);
  // @ts-expect-error there are too many arguments
  await queue.enqueueMany([{ func: report, args: [1, 2] }]);
  // @ts-expect-error its arguments are missing
  await queue.enqueueMany([{ func: send }]);
  // @ts-expect-error there is no such option
  await queue.enqueueMany([{ func: nothing, tiemout: 5 }]);
  // @ts-expect-error a year is no text
  await queue.enqueueMany([2026].map((y) => ({ func: closed, args: [y] })));
}

/** Never called. */
export async function grouped(queue: Queue): Promise<void> {
  const group = await Group.create({
    onComplete: { func: send, args: ["a"], queue: "mail", timeout: "5m" },
    onSuccess: { func: "jobs.report", args: [1, "b"] },
    onFailure: { func: nothing },
  });
  const two = await group.enqueueMany(queue, [
    { func: send, args: ["a"] },
    { func: report, args: [2026], retry: 3 },
  ]);
  is<typeof two, [Job<string>, Job<number>]>(true);
  const filled = await group.fill(() => queue.enqueue(nothing));
  is<typeof filled, Job<void>>(true);
  await queue.enqueueCall({ func: nothing, group });
  await currentJob.enqueueCall({ func: nothing, group: "g" });
  await Group.create({ group });
  // @ts-expect-error the argument is a text
  await group.enqueueMany(queue, [{ func: send, args: [1] }]);
  // @ts-expect-error the argument is a text
  await Group.create({ onComplete: { func: send, args: [1] } });
  // @ts-expect-error its arguments are missing
  await Group.create({ onFailure: { func: send } });
  // @ts-expect-error its id is made from the group's
  await Group.create({ onSuccess: { func: nothing, jobId: "a" } });
}

/** Never called. */
export async function made(queue: Queue): Promise<void> {
  const made = makeJob(send, { queue: "mail", retry: 3, timeout: "30s" });
  is<ReturnType<typeof made>, ReturnType<typeof send>>(true);
  const sent = await made.enqueue("a", 2);
  is<typeof sent, Job<string>>(true);
  const later = await made.with({ in: "1h" }).enqueueIn("5m", "a");
  is<typeof later, Job<string>>(true);
  const dated = await makeJob(soon, { queue }).enqueueAt(new Date());
  is<typeof dated, Job<string>>(true);
  const direct = await queue.enqueue(made, "a");
  is<typeof direct, Job<string>>(true);
  await currentJob.enqueue(made, "a");
  await made.with({ onSuccess: textTold, dependsOn: sent }).enqueue("a");
  makeJob(closed, { onFailure: "a.b", dependsOn: [sent, "id"] });
  // @ts-expect-error the result is no number
  makeJob(report, { onSuccess: textTold });
  // @ts-expect-error the first argument is a text
  await made.enqueue(5);
  // @ts-expect-error the first argument is missing
  await made.with({ retry: 1 }).enqueueIn("5m");
  // @ts-expect-error a Date arrives as a text
  await makeJob((_: Date) => 1).enqueue(new Date());
  // @ts-expect-error there is no such option
  makeJob(send, { tiemout: 5 });
  // @ts-expect-error its queue is known
  made.with({ queue: "low" });
}

declare function closed(text: string): void;

/** Never called. */
export async function inJob(): Promise<void> {
  const first = await currentJob.enqueue(send, "a");
  await currentJob.enqueue<typeof send>("jobs.mail.send", "a", 2);
  await currentJob.enqueue("jobs.mail.send", 1, { a: 2 });
  await currentJob.enqueueCall({ func: nothing, dependsOn: [first, "id"] });
  await currentJob.enqueueCall({
    func: send,
    args: ["a"],
    queue: "low",
    ttl: 5,
  });
  // @ts-expect-error the first argument is a text
  await currentJob.enqueue(send, 42);
  // @ts-expect-error it is called by its name, and takes a text
  await currentJob.enqueue<typeof send>("jobs.mail.send", 42);
  // @ts-expect-error its arguments are missing
  await currentJob.enqueueCall({ func: send });
  // @ts-expect-error there is no such option
  await currentJob.enqueueCall({ func: nothing, resultTTL: 5 });
  // @ts-expect-error there is no such option
  await currentJob.enqueueCall({ func: nothing, dependOn: [first] });
}

/** Never called. */
export async function checked(queue: Queue): Promise<void> {
  const sent = await queue.enqueue(send, "yangyi", 2);
  is<typeof sent, Job<string>>(true);
  const result = await sent.result();
  is<typeof result, string | undefined>(true);
  const waited = await sent.wait();
  is<typeof waited, string>(true);

  const reported = await queue.enqueue(report, 2026);
  is<typeof reported, Job<number>>(true);
  const done = await queue.enqueue(nothing);
  is<typeof done, Job<void>>(true);

  const named = await queue.enqueue<typeof send>("./jobs/mail.ts#send", "a");
  is<typeof named, Job<string>>(true);
  const dotted = await queue.enqueueCall<typeof report>({
    func: "jobs.mail.default",
    args: [2026],
  });
  is<typeof dotted, Job<number>>(true);
  const called = await queue.enqueueCall({ func: send, args: ["a"] });
  is<typeof called, Job<string>>(true);

  await queue.enqueue("jobs.mail.send", "anything", 1, { a: 2 });

  // @ts-expect-error the first argument is a text
  await queue.enqueue(send, 5);
  // @ts-expect-error the first argument is missing
  await queue.enqueue(send);
  // @ts-expect-error there are too many arguments
  await queue.enqueue(send, "a", 1, 2);
  // @ts-expect-error it takes no arguments
  await queue.enqueue(nothing, 1);
  // @ts-expect-error the argument is a number
  await queue.enqueue<typeof report>("jobs.mail.default", "2026");
  // @ts-expect-error the argument is a number
  await queue.enqueueCall({ func: report, args: ["2026"] });
  // @ts-expect-error there is no such option
  await queue.enqueueCall({ func: send, args: ["a"], time: 5 });
}

declare function textTold(job: FinishedJob<string>): void;
declare function numberTold(job: FinishedJob<number>): Promise<void>;
declare function failureTold(job: FailedJob): void;
declare function anyTold(job: FinishedJob | FailedJob | StoppedJob): void;

/** Never called. */
export async function calledBack(queue: Queue): Promise<void> {
  await queue.enqueueCall({
    func: send,
    args: ["a"],
    onSuccess: textTold,
    onFailure: callback(failureTold, { timeout: "1m" }),
    onStopped: anyTold,
  });
  await queue.enqueueCall({ func: "a.b", onSuccess: textTold, retry: 1 });
  await queue.enqueueMany([
    { func: send, args: ["a"], onSuccess: callback(textTold) },
    { func: report, args: [1], onSuccess: numberTold },
  ]);
  await currentJob.enqueueCall({ func: send, args: ["a"], onSuccess: "a.b" });
  // @ts-expect-error the job returns a text
  await queue.enqueueCall({ func: send, args: ["a"], onSuccess: numberTold });
  // @ts-expect-error it is told of a failure, which has no result
  await queue.enqueueCall({ func: send, args: ["a"], onFailure: textTold });
  // @ts-expect-error the job returns a number
  await queue.enqueueMany([{ func: report, args: [1], onSuccess: textTold }]);
}

/** Never called. */
export async function unique(queue: Queue): Promise<void> {
  const func = nothing;
  await queue.enqueueCall({ func, unique: true, jobId: "a" });
  await queue.enqueueCall({ func, unique: { key: "k", until: "5m" } });
  const debounce = { key: "k", ifTaken: "debounce", delay: 5 } as const;
  await currentJob.enqueueCall({ func, unique: { ...debounce, maxWait: 9 } });
  // @ts-expect-error a key is needed
  await queue.enqueueCall({ func, unique: {} });
  // @ts-expect-error there is no such policy
  await queue.enqueueCall({ func, unique: { key: "k", ifTaken: "drop" } });
  const window = { key: "k", until: "5m" } as const;
  // @ts-expect-error what holds a key for a time is not replaced
  await queue.enqueueCall({ func, unique: { ...window, ifTaken: "replace" } });
  // @ts-expect-error a delay is for debouncing
  await queue.enqueueCall({ func, unique: { key: "k", delay: 5 } });
  // @ts-expect-error its delay is missing
  await queue.enqueueCall({ func, unique: { key: "k", ifTaken: "debounce" } });
  // @ts-expect-error a debounced job holds its key until it starts
  await queue.enqueueCall({ func, unique: { ...debounce, until: "ended" } });
}

Deno.test("the compile-time assertions of this file hold", () => {
  assertEquals(checked.length, 1);
});

declare function join(title: string, a: number, b: number): string;

/** Never called: with results of parents as further arguments, those before them are enough. */
export async function passed(queue: Queue): Promise<void> {
  const passing = dependency(["a", "b"], { passResults: true });
  const one = await queue.enqueueCall({
    func: join,
    args: ["title"],
    dependsOn: passing,
  });
  is<typeof one, Job<string>>(true);
  await queue.enqueueCall({ func: join, dependsOn: passing });
  await queue.enqueueCall({
    func: join,
    args: ["title", 1],
    dependsOn: ["c", passing],
  });
  await currentJob.enqueueCall({ func: join, dependsOn: [passing, "c"] });
  const two = await queue.enqueueMany([
    { func: join, args: ["title"], dependsOn: passing },
    { func: nothing },
  ]);
  is<typeof two, [Job<string>, Job<void>]>(true);
  // @ts-expect-error the first argument is a text
  await queue.enqueueCall({ func: join, args: [1], dependsOn: passing });
  // @ts-expect-error nothing is passed
  await queue.enqueueCall({ func: join, args: ["title"], dependsOn: ["c"] });
  await queue.enqueueMany([
    // @ts-expect-error the second argument is a number
    { func: join, args: ["title", "a"], dependsOn: passing },
  ]);
  const [first, second] = await currentJob.parents<[number, string]>();
  is<typeof first.result, number | undefined>(true);
  is<typeof second.result, string | undefined>(true);
}
