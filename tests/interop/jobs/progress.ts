/** Needs the package, so that its import resolves the way the worker's does. */
import { currentJob } from "../../../lib/runner/current.ts";

export async function setMeta(key: string, value: unknown): Promise<unknown> {
  await currentJob.setMeta({ [key]: value });
  return currentJob.meta;
}
