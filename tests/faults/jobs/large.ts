import { currentJob } from "../../../lib/runner/current.ts";

/** Returns a text of so many characters. */
export function text(length: number): string {
  return "x".repeat(length);
}

/** Returns an incompressible text of so many characters. */
export function noise(length: number): string {
  const bytes = new Uint8Array(length * 3 / 4);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes.toBase64();
}

/** Saves metadata of that size; returns the error. */
export async function meta(length: number): Promise<string> {
  try {
    await currentJob.setMeta({ text: text(length) });
    return "saved";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Reports progress with a note of that size; returns the error. */
export async function progress(length: number): Promise<string> {
  try {
    await currentJob.progress(0.5, text(length));
    return "saved";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Enqueues a follow-up job with an argument of that size; returns the error. */
export async function followUp(length: number): Promise<string> {
  try {
    await currentJob.enqueue("large.text", noise(length));
    return "enqueued";
  } catch (error) {
    return (error as Error).message;
  }
}
