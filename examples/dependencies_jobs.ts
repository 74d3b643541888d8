/** Jobs of the example of dependencies. */

import { currentJob } from "@deno-rq/rq/current";

/** How many words there are. */
export function count(text: string): number {
  if (text === "") throw new RangeError("there is no text");
  return text.split(" ").length;
}

/** Gets the results of the jobs on which it depends behind its own argument. */
export function sum(unit: string, ...counts: number[]): string {
  return `${counts.reduce((a, b) => a + b, 0)} ${unit}`;
}

/** Runs only if all that it depends on has finished. */
export function publish(): string {
  return "published";
}

/** Runs in any case, and asks what became of the others. */
export async function tidy(): Promise<string> {
  const [published, counted, total] = await currentJob.parents();
  return `${published?.status}, ${counted?.status}, ${total?.result}`;
}
