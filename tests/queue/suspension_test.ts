/** The options of what keeps workers from taking jobs; what it does is in tests/e2e/suspend_test.ts. */

import { assertEquals, assertRejects } from "@std/assert";
import { isSuspended, resume, suspend } from "../../mod.ts";
import { Desk } from "./support.ts";

Deno.test("a wrong option is refused, and nothing is suspended", async () => {
  await using desk = await Desk.open();
  const { queue } = desk;
  const { connection } = queue;
  const wrong: (() => Promise<unknown>)[] = [
    () => queue.pause({ fr: 5 } as never),
    () => suspend({ connection, fro: 5 } as never),
    () => suspend({ connection, for: 0 }),
    () => suspend({ connection, for: "soon" }),
    () => resume({ connection, for: 5 } as never),
    () => isSuspended({ conection: connection } as never),
  ];
  const messages = [];
  for (const call of wrong) {
    messages.push((await assertRejects(call, Error)).message);
  }
  assertEquals(messages, [
    `Cannot pause queue "q": there is no option "fr", did you mean "for"?`,
    `Cannot suspend workers: there is no option "fro", did you mean "for"?`,
    `Cannot read for 0: expected seconds above 0, text such as "90s", "5m" or "1h30m", Infinity for no limit`,
    `Cannot read for "soon": expected seconds above 0, text such as "90s", "5m" or "1h30m", Infinity for no limit`,
    `Cannot resume workers: there is no option "for"`,
    `Cannot tell whether workers are suspended: there is no option "conection", did you mean "connection"?`,
  ]);
  assertEquals(await isSuspended({ connection }), false);
  assertEquals(await queue.isPaused(), false);
});

Deno.test("a connection that was passed in stays open, and another prefix is another place", async () => {
  await using desk = await Desk.open();
  const { connection } = desk.queue;
  await suspend({ connection, prefix: "other:", for: "5m" });
  assertEquals(await isSuspended({ connection }), false);
  assertEquals(await isSuspended({ connection, prefix: "other:" }), true);
  assertEquals(await desk.queue.count(), 0);
});
