import { assertEquals, assertThrows } from "@std/assert";
import { checkGroup, type GroupOrId } from "../../lib/job/group.ts";

Deno.test("a group is named by itself or by its id, which may be one of Python's", () => {
  assertEquals(checkGroup("my group"), "my group");
  assertEquals(checkGroup({ id: "g" }), "g");
});

Deno.test.each<[unknown, ErrorConstructor, string]>([
  ["", RangeError, "its id is empty"],
  [{ id: "" }, RangeError, "its id is empty"],
  [7, TypeError, "expected a group or its id, got number"],
  [null, TypeError, "got null"],
  [{ name: "g" }, TypeError, "expected a group or its id, got object"],
])("group: %j is refused", (group, error, text) => {
  assertThrows(() => checkGroup(group as GroupOrId), error, text);
});
