/** Further jobs of the demo. */

import { currentJob } from "@deno-rq/rq/current";

/** Fails in its first attempt. */
export function unlucky(): string {
  if (currentJob.attempt === 1) throw new Error("not today");
  return `worked in attempt ${currentJob.attempt}`;
}

/** Fails as long as the mail server is down, for which a file stands here. */
export async function deliver(to: string, server: string): Promise<string> {
  const isUp = await Deno.stat(server).then(() => true, () => false);
  if (!isUp) throw new Error(`the mail server is down, nothing for ${to}`);
  return `delivered to ${to}`;
}
