import { assert, assertEquals, assertRejects } from "@std/assert";
import { MAX_DELAY, pause, resolvesWithin } from "../../lib/base/timers.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("pause() ends with its signal and leaves no timer", async () => {
  await pause(60_000, AbortSignal.abort());
  const aborter = new AbortController();
  const pausing = pause(60_000, aborter.signal);
  aborter.abort();
  await pausing;
  await pause(1, new AbortController().signal);
});

Deno.test("pause() of more than a timer can wait for does not end at once", async () => {
  const clock = new FakeClock();
  let ended = false;
  const pausing = pause(MAX_DELAY * 2, undefined, clock)
    .then(() => ended = true);
  await clock.advance(MAX_DELAY - 1);
  assertEquals(ended, false);
  await clock.advance(1);
  await pausing;
});

Deno.test("resolvesWithin() tells whether a promise resolved in time, and leaves no timer", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  assertEquals(await resolvesWithin(promise, 1), false);
  resolve();
  assert(await resolvesWithin(promise, 60_000));
  await assertRejects(
    () => resolvesWithin(Promise.reject(new Error("no")), 60_000),
    Error,
    "no",
  );
});
