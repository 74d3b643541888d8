/** The job of the example of steps. */

import { currentJob } from "@deno-rq/rq/current";

/** Whatever happens, the card is charged once: a later run of the job gets the receipt of the first one. */
export async function order(id: number): Promise<string> {
  const receipt = await currentJob.step("charge", () => `receipt ${id}`);
  if (currentJob.attempt === 1) throw new Error("the network is down");
  const { by } = await currentJob.waitFor<{ by: string }>("approval", {
    timeout: "7d",
  });
  await currentJob.sleep(0.5);
  return await currentJob.step("ship", () => `${receipt}, approved by ${by}`);
}
