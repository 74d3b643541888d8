import { currentJob } from "../../../lib/runner/current.ts";

/** Gives a text of so many characters. */
export function text(length: number): string {
  return "x".repeat(length);
}

/** Gives a text of so many characters that cannot be made much smaller. */
export function noise(length: number): string {
  const bytes = new Uint8Array(length * 3 / 4);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes.toBase64();
}

/** Saves as much as its metadata; gives what that is refused with. */
export async function meta(length: number): Promise<string> {
  try {
    await currentJob.setMeta({ text: text(length) });
    return "saved";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Tells as much as its progress; gives what that is refused with. */
export async function progress(length: number): Promise<string> {
  try {
    await currentJob.progress(0.5, text(length));
    return "saved";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Gives what a follow-up job with such an argument is refused with. */
export async function followUp(length: number): Promise<string> {
  try {
    await currentJob.enqueue("large.text", noise(length));
    return "enqueued";
  } catch (error) {
    return (error as Error).message;
  }
}
