/** What the workers of the tests run. */

import { currentJob, DoNotRetry, Retry } from "../../../lib/runner/current.ts";

export function hello(name: string): string {
  // deno-lint-ignore no-console -- what a job prints is what is tested
  console.log(`hello ,${name}`);
  return `hello ,${name}`;
}

export function add(a: number, b: number): number {
  return a + b;
}

export function nothing(): void {}

export function echo(...args: unknown[]): unknown[] {
  return args;
}

export function texts(...args: unknown[]): string[] {
  return args.map(String);
}

export function fails(text: string): never {
  throw new RangeError(text);
}

/** Fails until its `n`th attempt. */
export function failsUntil(n: number): number {
  if (currentJob.attempt < n) throw new Error(`attempt ${currentJob.attempt}`);
  return currentJob.attempt;
}

/** Notes that it ran, and fails in its first runs, whichever attempts these are. */
export function failsInFirstRuns(file: string, runs: number): string {
  note(file, "ran");
  const ran = Deno.readTextFileSync(file).trimEnd().split("\n").length;
  if (ran <= runs) throw new Error(`run ${ran}`);
  return "done";
}

export const notAFunction = 42;

/** Prints on both streams. */
export function prints(out: string, err: string): void {
  // deno-lint-ignore no-console -- what a job prints is what is tested
  console.log(out);
  // deno-lint-ignore no-console -- what a job prints is what is tested
  console.error(err);
}

/** Appends a line to a file. */
export function note(file: string, line: string): string {
  Deno.writeTextFileSync(file, `${line}\n`, { append: true });
  return line;
}

/** Appends its process id, then a line once a file exists. */
export async function noteOnce(
  file: string,
  line: string,
  gate: string,
): Promise<string> {
  note(file, `began ${line}`);
  await exists(gate);
  note(file, line);
  return line;
}

/** Appends when it begins and when it ends, with a moment between the two. */
export async function spans(file: string, name: string): Promise<void> {
  note(file, `begin ${name}`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  note(file, `end ${name}`);
}

/** Appends its process id, then runs until a file exists. */
export async function waits(pidFile: string, gate: string): Promise<string> {
  await Deno.writeTextFile(pidFile, `${Deno.pid}\n`, { append: true });
  await exists(gate);
  return "went on";
}

/** Starts a process of its own, writes both ids, then runs for ever without a pause. */
export function spins(pidFile: string): never {
  const grandchild = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  Deno.writeTextFileSync(pidFile, `${Deno.pid}\n${grandchild.pid}\n`);
  for (;;);
}

/** Kills the process that runs this job's worker. */
export async function killsItsWorker(): Promise<void> {
  Deno.kill(Deno.ppid, "SIGKILL");
  await exists("/nowhere/at/all");
}

/** The same, but only in some attempts. */
export async function killsItsWorkerAt(attempts: number[]): Promise<void> {
  if (attempts.includes(currentJob.attempt)) await killsItsWorker();
}

/** Adds `count` jobs to its own group, each of which appends a line. */
export async function fansOut(file: string, count: number): Promise<void> {
  const { groupId } = currentJob;
  for (let i = 0; i < count; i++) {
    const args = [file, `leaf ${i}`] as [string, string];
    const group = i % 2 ? groupId : { id: groupId! };
    await currentJob.enqueueCall({ func: note, args, group });
  }
}

/** Appends what it is told of the group that has called for it. */
export function notesGroup(file: string, what: string): void {
  const { id, total, finished, failed } = currentJob.meta["group"] as Record<
    string,
    unknown
  >;
  note(file, `${what} ${id}: ${finished} of ${total}, ${failed} failed`);
}

/** Appends when it began and when it ended, a moment apart. */
export async function notesSpan(file: string, line: string): Promise<void> {
  note(file, `+ ${line}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  note(file, `- ${line}`);
}

/** Enqueues another job and returns what it knows about itself. */
export async function followUp(file: string): Promise<unknown> {
  const { id } = await currentJob.enqueue(note, file, "followed");
  const other = await currentJob.enqueueCall({
    func: "jobs.note",
    queue: "other",
    args: [file, "elsewhere"],
    jobId: `${currentJob.id}-next`,
  });
  await currentJob.setMeta({ step: 2 });
  await currentJob.progress(0.5, "half");
  const { attempt, executionId, meta, queue } = currentJob;
  return {
    attempt,
    follow: id,
    id: currentJob.id,
    meta,
    other: other.id,
    queue,
    run: executionId.length,
  };
}

/** Enqueues a job that is repeated; returns its id. */
export async function followUpRepeated(file: string): Promise<string> {
  const { id } = await currentJob.enqueueCall({
    func: note,
    args: [file, "again"],
    repeat: { times: 2, interval: [0, "1s"] },
  });
  return id;
}

/** Appends which attempt it is; returns how many lines there are. */
export function countsRuns(file: string): number {
  note(file, `attempt ${currentJob.attempt}`);
  return Deno.readTextFileSync(file).trimEnd().split("\n").length;
}

/** Ends by itself when its signal fires. */
export async function heedsSignal(file: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {}, 1_000);
  currentJob.signal.addEventListener("abort", () => {
    note(file, `aborted: ${currentJob.signal.reason.name}`);
    resolve();
  });
  note(file, "began");
  await promise;
  clearInterval(timer);
}

export async function fetches(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

export function exits(code: number): never {
  Deno.exit(code);
}

async function exists(path: string): Promise<void> {
  while (!(await Deno.stat(path).then(() => true, () => false))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a process of its own and says so; then waits for a file and says that too. */
export async function survives(
  file: string,
  line: string,
  gate: string,
): Promise<string> {
  const grandchild = new Deno.Command("sleep", {
    args: ["1000"],
    stdout: "null",
    stderr: "null",
  }).spawn();
  grandchild.unref();
  return await noteOnce(file, line, gate);
}

/** Adds two jobs, the second of which waits for the first. */
export async function chain(file: string): Promise<void> {
  const { id } = await currentJob.enqueue(note, file, "first");
  await currentJob.enqueueCall({
    func: note,
    args: [file, "second"],
    dependsOn: id,
    atFront: true,
  });
}

export function listens(): void {
  Deno.listen({ port: 0 }).close();
}

export function readsEnv(name: string): string | undefined {
  return Deno.env.get(name);
}

export async function reads(file: string): Promise<string> {
  return await Deno.readTextFile(file);
}

export function denoFlags(): { kv: boolean; gc: boolean } {
  return { kv: "openKv" in Deno, gc: "gc" in globalThis };
}

export function floods(lines: number): void {
  // deno-lint-ignore no-console -- what a job prints is what is tested
  for (let i = 0; i < lines; i++) console.log(`line ${i}`);
}

/** Prints a line every few milliseconds. */
export async function chatters(lines: number): Promise<number> {
  for (let i = 0; i < lines; i++) {
    // deno-lint-ignore no-console -- what a job prints is what is tested
    console.log(`line ${i}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return lines;
}

/** Returns a text of so many bytes. */
export function big(length: number): string {
  return "x".repeat(length);
}

export function lengthOf(text: string): number {
  return text.length;
}

/** Blocks its process for so many seconds. */
export function blocks(file: string, seconds: number): void {
  note(file, "blocks");
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end);
  note(file, "blocked");
}

/** Appends its process id to a file. */
export function notesPid(file: string): void {
  note(file, `${Deno.pid}`);
}

/** Adds a job to another queue. */
export async function enqueuesNote(
  queue: string,
  file: string,
  line: string,
): Promise<void> {
  await currentJob.enqueueCall({ func: note, queue, args: [file, line] });
}

/** Enqueues a job with a number, and returns its type and the number plus two. */
export async function next(id: number | bigint): Promise<unknown> {
  await currentJob.setMeta({ seen: id });
  const follow = await currentJob.enqueue("jobs.echo", [id]);
  return { kind: typeof id, next: BigInt(id) + 2n, follow: follow.id };
}

/** Adds two jobs for later; gives their ids. */
export async function remindsLater(file: string): Promise<string[]> {
  const soon = await currentJob.enqueueCall({
    func: note,
    args: [file, "in"],
    in: 0.3,
  });
  const later = await currentJob.enqueueCall({
    func: note,
    args: [file, "at"],
    at: new Date(Date.now() + 1_500),
  });
  return [soon.id, later.id];
}

/** Adds two jobs of which one may start within an hour; gives their ids. */
export async function limitsFollowUps(): Promise<string[]> {
  const rateLimit = { key: "follow-ups", limit: 1, per: "1h" };
  const one = await currentJob.enqueueCall({ func: nothing, rateLimit });
  const two = await currentJob.enqueueCall({ func: nothing, rateLimit });
  return [one.id, two.id];
}

/** Adds two jobs that run one at a time, where the second is skipped while there is the first; gives their ids. */
export async function skipsFollowUp(): Promise<string[]> {
  const onConflict = "skip";
  const rateLimit = { key: "follow-ups", concurrency: 1, onConflict } as const;
  const call = { func: nothing, queue: "other", rateLimit };
  const one = await currentJob.enqueueCall(call);
  const two = await currentJob.enqueueCall(call);
  return [one.id, two.id];
}

/** Ends its first run in some bad way; gives the number of the second. */
export async function failsOnce(how: string): Promise<number> {
  if (currentJob.attempt > 1) return currentJob.attempt;
  if (how === "exit") Deno.exit(3);
  if (how === "kill") Deno.kill(Deno.pid, "SIGKILL");
  if (how === "hang") { while (true); }
  if (how === "reject") {
    Promise.reject(new Error("left alone"));
    await new Promise((resolve) => setTimeout(resolve, 10_000));
  }
  throw new TypeError("thrown");
}

/** Asks for a retry in its first runs; gives the number of the last. */
export function asksFor(
  runs: number,
  how: "throws" | "returns",
  request: { in?: number; max?: number } = {},
): number | Retry {
  const { attempt } = currentJob;
  if (attempt >= runs) return attempt;
  const retry = new Retry({ ...request, cause: `attempt ${attempt}` });
  if (how === "returns") return retry;
  throw retry;
}

class NoUse extends RangeError {}

/** Throws an error of a class of its own, as the last one or not. */
export function throwsNoUse(isFinal: boolean): never {
  const error = new NoUse("no use");
  throw isFinal ? new DoNotRetry(error) : error;
}

/** Enqueues jobs with one key; gives the ids, and the error of one that is refused. */
export async function enqueuesUnique(key: string): Promise<string[]> {
  const call = { func: nothing, in: "1h" } as const;
  const skip = { ...call, unique: { key, ifTaken: "skip" } } as const;
  const first = await currentJob.enqueueCall(skip);
  const second = await currentJob.enqueueCall(skip);
  const refused = await currentJob.enqueueCall({
    ...call,
    jobId: "mine",
    unique: { key, until: "started" },
  }).then(() => "none", String);
  const debounce = { key: `${key}2`, ifTaken: "debounce", delay: 600 } as const;
  const put = (text: string) =>
    currentJob.enqueueCall({ func: echo, args: [text], unique: debounce });
  await put("first");
  return [first.id, second.id, refused, (await put("second")).id];
}

/** Adds two jobs for each of two tenants, one tenant after the other. */
export async function addsForTenants(file: string): Promise<void> {
  for (const line of ["a1", "a2", "b1", "b2"]) {
    const fairKey = line.slice(0, 1);
    await currentJob.enqueueCall({ func: note, args: [file, line], fairKey });
  }
}
