import { assertEquals, assertThrows } from "@std/assert";
import {
  isFile,
  isVisibleFile,
  readVisibleFile,
} from "../../lib/base/files.ts";
import { ROOT } from "../support/paths.ts";

Deno.test.each([
  { path: "deno.json", is: true },
  { path: "lib", is: false },
  { path: "no/such", is: false },
  { path: "deno.json/x", is: false },
])("whether $path is a file: $is", ({ path, is }) => {
  const file = `${ROOT}/${path}`;
  assertEquals([isFile(file), isVisibleFile(file)], [is, is]);
  assertEquals(typeof readVisibleFile(file) === "string", is);
});

Deno.test({
  name: "what must not be read is no visible file",
  permissions: { read: false },
  fn() {
    const file = `${ROOT}/deno.json`;
    assertThrows(() => isFile(file), Deno.errors.NotCapable);
    assertEquals(isVisibleFile(file), false);
    assertEquals(readVisibleFile(file), undefined);
  },
});
