import { assertEquals, assertThrows } from "@std/assert";
import { checkTags, tagsOfText } from "../../lib/job/tags.ts";

Deno.test("tags are texts, each counted once", () => {
  assertEquals(checkTags(["b", "a", "b", "customer:7", "größe ☃"]), [
    "b",
    "a",
    "customer:7",
    "größe ☃",
  ]);
  assertEquals(checkTags([]), []);
  assertEquals(checkTags(["x".repeat(100)]).length, 1);
});

Deno.test.each<[string, unknown, typeof RangeError]>([
  ["a text", "a", TypeError],
  ["a number", [5], TypeError],
  ["nothing", [undefined], TypeError],
  ["the empty text", [""], RangeError],
  ["a line break", ["a\nb"], RangeError],
  ["a NUL", ["\0"], RangeError],
  ["101 characters", ["x".repeat(101)], RangeError],
  ["21 tags", Array.from({ length: 21 }, (_, i) => `${i}`), RangeError],
])("tags cannot be %s", (_name, tags, kind) => {
  assertThrows(() => checkTags(tags as string[]), kind, "Cannot use tag");
});

Deno.test.each<[string | undefined, string[]]>([
  [undefined, []],
  ["", []],
  ["{", []],
  ["{}", []],
  [`["a",5,null,"b"]`, ["a", "b"]],
])("the tags of a hash that says %s are %j", (text, tags) => {
  assertEquals(tagsOfText(text), tags);
});
