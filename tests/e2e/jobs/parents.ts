/** Jobs that depend on others. */

import {
  currentJob,
  dependency,
  type Parent,
} from "../../../lib/runner/current.ts";

/** What became of its parents. */
export async function tellsParents(): Promise<readonly Parent[]> {
  return await currentJob.parents();
}

/** All that it is given. */
export function given(...args: unknown[]): unknown[] {
  return args;
}

export function nothing(): void {}

export function add(a: number, b: number): number {
  return a + b;
}

export function fails(text: string): never {
  throw new RangeError(text);
}

/** Adds a good job and a bad one, and some that depend on them; gives their ids, and how an unknown parent is refused. */
export async function addsFamily(): Promise<string[]> {
  const good = await currentJob.enqueue(add, 1, 2);
  const bad = await currentJob.enqueue(fails, "bad");
  const passing = dependency([good, bad], {
    ifParentFails: "run",
    passResults: true,
  });
  const sum = await currentJob.enqueueCall({
    func: given,
    args: ["own"],
    kwargs: { last: true },
    dependsOn: [passing],
  });
  const failing = await currentJob.enqueueCall({
    func: nothing,
    dependsOn: dependency(bad.id, { ifParentFails: "fail" }),
  });
  const refused = currentJob.enqueueCall({
    func: nothing,
    dependsOn: "nobody",
  });
  const text = await refused.then(() => "taken", (error) => error.message);
  return [sum.id, failing.id, text];
}

/** Passes `dependency()` what it does not take. */
export async function badPolicy(): Promise<string> {
  const id = currentJob.id;
  const wrong = { jobIds: [id], ifParentFails: "explode" } as never;
  const call = { func: nothing, dependsOn: wrong };
  return await currentJob.enqueueCall(call).then(
    () => "taken",
    (error) => error.message,
  );
}
