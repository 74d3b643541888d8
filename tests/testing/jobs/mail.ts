import { type Enqueueable, job } from "@deno-rq/rq";
import { currentJob } from "@deno-rq/rq/current";

/** What has been called, in order. */
export const calls: string[] = [];

export function send(to: string, greeting = "hello"): string {
  calls.push(`send ${to}`);
  return `${greeting} ${to}`;
}

export const invite: Enqueueable<(to: string) => string> = job(
  function invite(to: string): string {
    calls.push(`invite ${to}`);
    return to;
  },
  { queue: "invitations", retry: 3 },
);

export class Mailer {
  static from = "me";

  static send(to: string): string {
    return `${this.from} to ${to}`;
  }
}

export async function sendAll(addresses: string[]): Promise<number> {
  for (const [i, address] of addresses.entries()) {
    await currentJob.enqueue(send, address);
    currentJob.progress((i + 1) / addresses.length, address);
  }
  await currentJob.setMeta({ sent: addresses.length });
  return addresses.length;
}

export class MailError extends Error {
  override name = "MailError";
}

export function refuse(to: string): never {
  calls.push(`refuse ${to}`);
  throw new MailError(`no such address ${to}`);
}

export function named(to: string, { copies }: { copies: number }): string {
  return `${copies} to ${to}`;
}

export function join(...parts: string[]): string {
  return parts.join("+");
}

export function told(job: { id: string; status: string }): string {
  calls.push(`${job.id} ${job.status}`);
  return job.status;
}

export async function parents(): Promise<unknown[]> {
  return (await currentJob.parents()).map(({ status, result }) =>
    `${status} ${result}`
  );
}

/** Ends when its time is up. */
export function waits(): Promise<string> {
  const { promise, reject } = Promise.withResolvers<string>();
  const { signal } = currentJob;
  signal.addEventListener("abort", () => reject(signal.reason));
  return promise;
}

export async function slowId(): Promise<string> {
  const { id } = currentJob;
  await new Promise((resolve) => setTimeout(resolve, 1));
  return `${id} ${currentJob.id}`;
}
