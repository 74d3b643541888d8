/** Jobs that yield. */

import { currentJob } from "../../../lib/runner/current.ts";

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Yields numbers and a text; the later ones once a file exists. */
export async function* counts(gate: string): AsyncGenerator<unknown, string> {
  yield 1;
  yield { two: new Date(0) };
  while (!await exists(gate)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  yield undefined;
  yield "fïn";
  return "returned";
}

/** Yields many parts without a pause. */
export function* floods(count: number): Generator<number, number> {
  for (let i = 0; i < count; i++) yield i;
  return count;
}

/** Fails after the first part in its first attempt. */
export async function* failsOnce(): AsyncGenerator<string> {
  await Promise.resolve();
  yield `a${currentJob.attempt}`;
  if (currentJob.attempt === 1) throw new RangeError("between");
  yield `b${currentJob.attempt}`;
}

/** Returns a stream of the web. */
export function readable(): ReadableStream<number> {
  return ReadableStream.from([1, 2, 3]);
}

/** Yields what JSON cannot represent, and fails when it is closed because of that. */
export async function* yieldsMap(): AsyncGenerator<unknown> {
  try {
    await Promise.resolve();
    yield 1;
    yield new Map();
  } finally {
    closingFails();
  }
}

function closingFails(): never {
  throw new Error("closing has failed");
}

/** Yields too much. */
export async function* yieldsTooMuch(): AsyncGenerator<string> {
  await Promise.resolve();
  const part = "x".repeat(127 * 1024);
  for (let i = 0; i < 200; i++) yield part;
}

/** Yields a part that is too large. */
export function* yieldsLarge(): Generator<string> {
  yield "x".repeat(128 * 1024);
}

/** Sleeps between two parts. */
export async function* sleeps(): AsyncGenerator<string> {
  yield await currentJob.step("one", () => "one");
  await currentJob.sleep(0.1);
  yield "two";
}
