import { assertEquals, assertMatch } from "@std/assert";
import { dateText, relativeText, spanText } from "../../lib/cli/time_text.ts";

Deno.test("spanText() gives the two largest units", () => {
  const texts = [0, 0.4, 59, 60, 3_601, 90_000, 86_400 * 400 + 59].map(
    spanText,
  );
  assertEquals(texts, ["0s", "0s", "59s", "1m", "1h", "1d 1h", "400d"]);
});

Deno.test("relativeText() is seen from now", () => {
  const now = new Date(100_000);
  assertEquals(relativeText(new Date(400_000), now), "in 5m");
  assertEquals(relativeText(new Date(38_000), now), "1m 2s ago");
  assertEquals(relativeText(null, now), "-");
});

Deno.test("dateText() is local time", () => {
  const date = new Date(2027, 4, 27, 21, 45);
  assertMatch(dateText(date), /^2027-05-27 21:45:00$/);
  assertEquals(dateText(null), "-");
});
