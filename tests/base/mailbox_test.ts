import { assertEquals, assertRejects } from "@std/assert";
import { Mailbox } from "../../lib/base/mailbox.ts";

Deno.test("a mailbox gives what waits, and waits for what comes", async () => {
  const mailbox = new Mailbox<number>();
  mailbox.add(1);
  mailbox.add(2);
  assertEquals(await mailbox.take(), [1, 2]);
  const next = mailbox.take();
  mailbox.add(3);
  assertEquals(await next, [3]);
  assertEquals(await mailbox.take(1), []);
});

Deno.test("a full mailbox drops everything, says so once, and goes on", async () => {
  const mailbox = new Mailbox<number>(2);
  for (let i = 1; i <= 4; i++) mailbox.add(i);
  assertEquals(await mailbox.take(), [4]);
  assertEquals([mailbox.takeMissed(), mailbox.takeMissed()], [true, false]);
  const waiting = mailbox.take();
  mailbox.miss();
  assertEquals(await waiting, []);
  assertEquals(mailbox.takeMissed(), true);
});

Deno.test("a closed mailbox is over once everything is taken", async () => {
  const mailbox = new Mailbox<number>();
  mailbox.add(1);
  mailbox.close();
  assertEquals(mailbox.isOver, false);
  assertEquals(await mailbox.take(), [1]);
  assertEquals([mailbox.isOver, await mailbox.take()], [true, []]);
});

Deno.test("a mailbox that fails throws its first error from then on", async () => {
  const mailbox = new Mailbox<number>();
  const waiting = mailbox.take();
  mailbox.fail(new Error("one"));
  mailbox.fail(new Error("two"));
  await assertRejects(() => waiting, Error, "one");
  await assertRejects(() => mailbox.take(), Error, "one");
});
