import { assertEquals } from "@std/assert";
import { outcomes } from "./goals.ts";
import { Results } from "./results.ts";

Deno.test("Results.summary() gives the middle and the ends", () => {
  const results = new Results();
  for (const value of [5, 1, 9]) results.add("ours", { "a": value });
  assertEquals(results.summary("a", "ours"), { median: 5, min: 1, max: 9 });
  results.add("ours", { "a": 7 });
  assertEquals(results.median("a"), 6);
  assertEquals(results.summary("a", "rq"), undefined);
});

Deno.test("Results.add() leaves out what could not be read", () => {
  const results = new Results();
  results.add("rq", { a: undefined, b: NaN, c: 3 });
  assertEquals(results.cell("a", "rq").samples, []);
  assertEquals(results.cell("b", "rq").samples, []);
  assertEquals(results.cell("c", "rq").samples, [3]);
});

Deno.test("Results.ratio() compares round by round", () => {
  const results = new Results();
  // The machine became ten times slower in the third round, for both.
  for (const value of [100, 110, 11]) results.add("ours", { a: value });
  for (const value of [50, 50, 5]) results.add("rq", { a: value });
  assertEquals(results.ratio(["a", "ours"], ["a", "rq"]), 2.2);
});

Deno.test("Results.ratio() takes medians where a round is missing", () => {
  const results = new Results();
  for (const value of [100, 200, 300]) results.add("ours", { a: value });
  results.add("rq", { a: 50 });
  assertEquals(results.ratio(["a", "ours"], ["a", "rq"]), 4);
  assertEquals(results.ratio(["a", "ours"], ["a", "bullmq"]), undefined);
});

Deno.test("outcomes() tells which goals are met, and which were not measured", () => {
  const results = new Results();
  results.add("ours", {
    "enqueue.one": 9_000,
    "limit.trip": 10_000,
    "memory.queued": 400,
    "scaling.longest": 5.1,
  });
  results.add("rq", { "enqueue.one": 3_000, "memory.queued": 500 });
  const metrics = [
    { id: "enqueue.one" },
    { id: "memory.queued" },
    { id: "scaling.longest" },
  ];
  const verdicts = Object.fromEntries(
    outcomes(results, metrics).map(({ title, met }) => [title, met]),
  );
  assertEquals(verdicts["enqueue, one by one / RQ"], true);
  assertEquals(verdicts["enqueue, one by one / BullMQ"], undefined);
  assertEquals(
    verdicts["enqueue, one by one / the driver's bare round trip"],
    true,
  );
  assertEquals(verdicts["Redis, per queued job / RQ"], false);
  assertEquals(verdicts["longest script with the long queue"], false);
  assertEquals("enqueue, bulk / RQ" in verdicts, false, "of another metric");
});
