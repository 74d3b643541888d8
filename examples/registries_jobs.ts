/** Jobs of the example of registries. */

import { currentJob } from "@deno-rq/rq/current";

/** Fails for what is no address, and the first time if the host is offline. */
export function deliver(to: string): string {
  const [, host] = to.split("@");
  if (host === undefined) throw new TypeError(`no address: ${to}`);
  if (host === "offline" && currentJob.attempt === 1) {
    throw new Error(`${host} is offline`);
  }
  return `delivered to ${to}`;
}
