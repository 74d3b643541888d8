import { assert, assertEquals } from "@std/assert";
import { parseDate } from "../../lib/base/date.ts";
import { Script } from "../../lib/redis/script.ts";
import { list, texts } from "../../lib/store/replies.ts";
import { link } from "../../lib/store/lua/link.ts";
import { Bench } from "./support.ts";

/** The dates of many instants at once, the server's clock replaced. */
const DATES = new Script(
  "dates",
  `
local answer = {}
for i = 1, #ARGV, 2 do
  local redis = {call = function() return {ARGV[i], ARGV[i + 1]} end}
  ${link("answer[#answer + 1], answer[#answer + 2] = iso(), now_float")}
end
return answer
`,
);

function dateOf(seconds: number, micros: number): string {
  const text = new Date(seconds * 1_000).toISOString().slice(0, -5);
  return `${text}.${String(micros).padStart(6, "0")}Z`;
}

async function check(bench: Bench, instants: [number, number][]) {
  const reply = await DATES.run(bench.client, [], instants.flat());
  const answer = texts(reply);
  instants.forEach(([seconds, micros], i) => {
    assertEquals(answer[2 * i], dateOf(seconds, micros));
    assertEquals(
      answer[2 * i + 1],
      `${seconds}.${String(micros).padStart(6, "0")}`,
    );
  });
}

function utc(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / 1_000;
}

Deno.test("scripts write the date of every midnight, noon and last second of 130 years as JavaScript does", async () => {
  await using bench = await Bench.open();
  const first = utc(1970, 1, 1), last = utc(2100, 3, 2);
  for (let day = first; day < last; day += 2_000 * 86_400) {
    const instants: [number, number][] = [];
    for (let i = 0; i < 2_000 && day + i * 86_400 < last; i++) {
      const midnight = day + i * 86_400;
      instants.push(
        [midnight, 0],
        [midnight + 43_200, 500_000],
        [midnight + 86_399, 999_999],
      );
    }
    await check(bench, instants);
  }
});

Deno.test("scripts write leap days and the turns of years right", async () => {
  await using bench = await Bench.open();
  const days = [
    [2000, 2, 28],
    [2000, 2, 29],
    [2000, 3, 1],
    [2024, 2, 29],
    [2025, 2, 28],
    [2025, 3, 1],
    [2026, 12, 31],
    [2027, 1, 1],
    [2028, 2, 29],
    [2028, 12, 31],
    [2099, 12, 31],
    [2100, 2, 28],
    [2100, 3, 1],
    [2400, 2, 29],
    [9999, 12, 31],
  ] as const;
  await check(
    bench,
    days.flatMap(([y, m, d]): [number, number][] => [
      [utc(y, m, d), 0],
      [utc(y, m, d) + 86_399, 999_999],
    ]),
  );
});

Deno.test("scripts write every microsecond with six digits", async () => {
  await using bench = await Bench.open();
  await check(
    bench,
    [0, 1, 9, 10, 99, 100, 999, 1_000, 99_999, 100_000, 999_999].map((
      micros,
    ): [number, number] => [1_795_401_446, micros]),
  );
});

Deno.test("scripts write random instants as JavaScript does", async () => {
  await using bench = await Bench.open();
  await check(
    bench,
    Array.from({ length: 5_000 }, (): [number, number] => [
      Math.floor(Math.random() * 8_000_000_000),
      Math.floor(Math.random() * 1_000_000),
    ]),
  );
});

Deno.test("scripts take the time from the server", async () => {
  await using bench = await Bench.open();
  const before = list(await bench.send("TIME")).map(Number);
  const { enqueuedAt } = await bench.add("a");
  const after = list(await bench.send("TIME")).map(Number);
  const at = parseDate(enqueuedAt)!.getTime();
  assert(at >= before[0]! * 1_000 && at < (after[0]! + 1) * 1_000, enqueuedAt);
});
