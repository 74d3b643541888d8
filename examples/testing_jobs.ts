/** The jobs of testing.ts. */

import { currentJob } from "@deno-rq/rq/current";

export async function collect(names: string[]): Promise<number> {
  for (const name of names) {
    await currentJob.enqueue("examples.rq_test.hello", name);
    await currentJob.setMeta({ last: name });
  }
  return names.length;
}
