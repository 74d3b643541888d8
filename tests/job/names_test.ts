import { assertEquals, assertThrows } from "@std/assert";
import { checkJobId, checkQueueName } from "../../lib/job/names.ts";

Deno.test.each<[string]>([
  ["a"],
  ["A-Z_09"],
  ["63879f7c-b453-4405-a262-b9a6b6568b68"],
  ["-"],
  ["x".repeat(1_000)],
])("checkJobId() gives %s back", (id) => {
  assertEquals(checkJobId(id), id);
});

Deno.test.each<[string, unknown, typeof RangeError]>([
  ["the empty text", "", RangeError],
  ["a blank", "a b", RangeError],
  ["a colon", "a:b", RangeError],
  ["a dot", "a.b", RangeError],
  ["a slash", "a/b", RangeError],
  ["a line break at the end", "a\n", RangeError],
  ["an umlaut", "ä", RangeError],
  ["NUL", "a\0", RangeError],
  ["a number", 1, TypeError],
  ["null", null, TypeError],
  ["undefined", undefined, TypeError],
  ["a list", ["a"], TypeError],
])("checkJobId() refuses %s", (_name, id, type) => {
  assertThrows(() => checkJobId(id as string), type, "Cannot use job id");
});

Deno.test.each<[string]>([
  ["default"],
  ["low"],
  ["a b"],
  ["a:b"],
  ["größe"],
  ["🎉"],
  ["{tag}"],
  ["a,b"],
])("checkQueueName() gives %s back", (name) => {
  assertEquals(checkQueueName(name), name);
});

Deno.test.each<[string, unknown, typeof RangeError]>([
  ["the empty text", "", RangeError],
  ["a line break", "a\nb", RangeError],
  ["NUL", "\0", RangeError],
  ["DEL", "a\x7f", RangeError],
  ["a C1 control", "a\x85", RangeError],
  ["a number", 5, TypeError],
  ["null", null, TypeError],
])("checkQueueName() refuses %s", (_name, name, type) => {
  assertThrows(
    () => checkQueueName(name as string),
    type,
    "Cannot use queue name",
  );
});
