import { assertEquals, assertThrows } from "@std/assert";
import { parseSize, type Size } from "../../lib/base/size.ts";

Deno.test.each<[Size, number]>([
  [256, 256 * 1024 ** 2],
  ["256", 256 * 1024 ** 2],
  ["256MB", 256 * 1024 ** 2],
  ["256 MiB", 256 * 1024 ** 2],
  ["1.5g", 1.5 * 1024 ** 3],
  ["300000kb", 300_000 * 1024],
  [0.5, 512 * 1024],
])("parseSize() reads %s as %d bytes", (value, expected) => {
  assertEquals(parseSize(value, "memory"), expected);
});

Deno.test.each<[unknown]>([
  [0],
  [-1],
  [NaN],
  [Infinity],
  [1e21],
  [""],
  ["MB"],
  ["1TB"],
  ["-5MB"],
  ["1e3"],
  [null],
  [undefined],
])("parseSize() refuses %s", (value) => {
  assertThrows(
    () => parseSize(value as Size, "memory"),
    RangeError,
    "Cannot use memory",
  );
});
