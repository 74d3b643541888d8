/** The jobs that wait for a job, and those that it waits for. @module */

import type { JobStore } from "./job_store.ts";
import { list, noWrongType, texts } from "./replies.ts";
import { DEPENDENCIES_MET } from "./scripts/dependencies_met.ts";

/** About how many ids are read at once. */
const PAGE = 200;

const RESEND = { resend: true } as const;

/** The ids of the jobs that wait for a job, in pages, each id once. */
export function dependentIds(
  store: JobStore,
  id: string,
): AsyncGenerator<string[]> {
  return pagesOf(store, store.keys.dependents(id));
}

/** Whether none of the jobs that a job depends on keeps it waiting. */
export async function dependenciesAreMet(
  store: JobStore,
  id: string,
): Promise<boolean> {
  const { client, keys } = store;
  for await (const parents of pagesOf(store, keys.dependencies(id))) {
    const args = [keys.prefix, ...parents];
    const met = DEPENDENCIES_MET.run(client, [keys.job(id)], args, RESEND);
    if (await met !== 1) return false;
  }
  return true;
}

/** The members of a set, in pages. */
async function* pagesOf(
  { client }: JobStore,
  key: string,
): AsyncGenerator<string[]> {
  const seen = new Set<string>(); // SSCAN may return a member twice
  let cursor = "0";
  do {
    const args = [key, cursor, "COUNT", PAGE];
    const reply = await noWrongType(client.send("SSCAN", args, RESEND));
    const [next = "0", members] = list(reply);
    cursor = String(next);
    const page = texts(members ?? null).filter((member) => !seen.has(member));
    for (const member of page) seen.add(member);
    if (page.length > 0) yield page;
  } while (cursor !== "0");
}
