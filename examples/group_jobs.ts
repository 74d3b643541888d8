/** Jobs of the example of groups. */

import { currentJob } from "@deno-rq/rq/current";

/** Renders a page, and has its sections rendered as further members of the same group. */
export async function render(page: string, sections = 0): Promise<string> {
  for (let i = 1; i <= sections; i++) {
    await currentJob.enqueueCall({
      func: render,
      args: [`${page}, section ${i}`],
      group: currentJob.groupId,
    });
  }
  return `${page} is rendered`;
}

/** Is called for by the group, and told of it in its meta. */
export function publish(title: string): void {
  const { finished } = currentJob.meta["group"] as { finished: number };
  console.log(`> ${title} is published, from ${finished} jobs`);
}
