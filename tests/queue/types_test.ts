/** Arguments and results are typed from the function: most of this is checked by the compiler. */

import { assertEquals } from "@std/assert";
import type { Job } from "../../lib/queue/job.ts";
import type { Queue } from "../../lib/queue/queue.ts";
import report, { nothing, send } from "./fixtures/project/jobs/mail.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

function is<A, B>(_same: Same<A, B>): void {}

/** Never called. */
export async function checked(queue: Queue): Promise<void> {
  const sent = await queue.enqueue(send, "yangyi", 2);
  is<typeof sent, Job<string>>(true);
  const result = await sent.result();
  is<typeof result, string | undefined>(true);
  const waited = await sent.wait();
  is<typeof waited, string>(true);

  const reported = await queue.enqueue(report, 2026);
  is<typeof reported, Job<number>>(true);
  const done = await queue.enqueue(nothing);
  is<typeof done, Job<void>>(true);

  const named = await queue.enqueue<typeof send>("./jobs/mail.ts#send", "a");
  is<typeof named, Job<string>>(true);
  const dotted = await queue.enqueueCall<typeof report>({
    func: "jobs.mail.default",
    args: [2026],
  });
  is<typeof dotted, Job<number>>(true);
  const called = await queue.enqueueCall({ func: send, args: ["a"] });
  is<typeof called, Job<string>>(true);

  await queue.enqueue("jobs.mail.send", "anything", 1, { a: 2 });

  // @ts-expect-error the first argument is a text
  await queue.enqueue(send, 5);
  // @ts-expect-error the first argument is missing
  await queue.enqueue(send);
  // @ts-expect-error there are too many arguments
  await queue.enqueue(send, "a", 1, 2);
  // @ts-expect-error it takes no arguments
  await queue.enqueue(nothing, 1);
  // @ts-expect-error the argument is a number
  await queue.enqueue<typeof report>("jobs.mail.default", "2026");
  // @ts-expect-error the argument is a number
  await queue.enqueueCall({ func: report, args: ["2026"] });
  // @ts-expect-error there is no such option
  await queue.enqueueCall({ func: send, args: ["a"], time: 5 });
}

Deno.test("the compile-time assertions of this file hold", () => {
  assertEquals(checked.length, 1);
});
