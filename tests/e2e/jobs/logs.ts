/** Jobs that log and print. */

import { currentJob } from "../../../lib/runner/current.ts";

/** Logs some values, and prints on both streams, the last line without a line break. */
export function logsAndPrints(): void {
  currentJob.log("logged", { files: 3 }, ["a"]);
  currentJob.log("two\nlines");
  console.log("printed");
  console.error("complained");
  Deno.stdout.writeSync(new TextEncoder().encode("grüße"));
}

/** Logs so many lines in one go. */
export function logsMany(count: number): number {
  for (let i = 1; i <= count; i++) currentJob.log(`line ${i}`);
  return count;
}

/** Prints who it is, and more than a pipe holds. */
export function prints(name: string, bytes = 0): void {
  console.log(`I am ${name}`);
  console.error(`${name} complains`);
  if (bytes > 0) console.log("x".repeat(bytes));
}

/** Prints, logs, and fails. */
export function failsAloud(): never {
  currentJob.log("about to fail");
  console.log("last words");
  throw new Error("no luck");
}

/** Logs, then ends its process. */
export function exitsAloud(): void {
  console.error("before the exit");
  Deno.exit(3);
}

/** Logs, then waits for the end of a file's absence. */
export async function logsUntil(file: string): Promise<void> {
  currentJob.log("begun");
  console.log("printed at once");
  for (;;) {
    try {
      await Deno.stat(file);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  currentJob.log("done");
}
