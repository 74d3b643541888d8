/** What examples/watch.ts enqueues. */

import { currentJob } from "@deno-rq/rq/current";

export async function copy(files: string[]): Promise<void> {
  for (const [i, file] of files.entries()) {
    currentJob.log(`copying ${file}`);
    await currentJob.progress((i + 1) / files.length, file);
  }
}
