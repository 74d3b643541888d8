import { assert, assertEquals } from "@std/assert";
import type { RedisArg } from "../../lib/redis/redis_client.ts";
import { list } from "../../lib/store/replies.ts";
import { Packer } from "../../lib/store/pack.ts";
import { Bench } from "./support.ts";

const BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);
const LENGTHS = [0, 1, 31, 32, 255, 256, 257, 65_535, 65_536, 1 << 20];

const VALUES: [string, RedisArg, RedisArg][] = [
  ...LENGTHS.map((length): [string, RedisArg, RedisArg] => [
    `a text of ${length}`,
    "x".repeat(length),
    "x".repeat(length),
  ]),
  ["a short text that is not ASCII", "äöü €", "äöü €"],
  ["a long text that is not ASCII", "€".repeat(300), "€".repeat(300)],
  ["an emoji at the end", `${"x".repeat(30)}👋`, `${"x".repeat(30)}👋`],
  ["half an emoji", "a\ud83d", "a\ufffd"],
  ["a NUL", "a\0b", "a\0b"],
  ["a whole number", 180, "180"],
  ["a fraction", 1.5, "1.5"],
];

const UNPACK = `
local first, second, lists = cmsgpack.unpack(ARGV[1])
return {first, second, lists[1], lists[2], #lists}`;

Deno.test.each(VALUES)(
  "%s is what a script unpacks",
  async (_, value, text) => {
    await using bench = await Bench.open();
    const packer = new Packer();
    packer.begin(["a", "b"], { a: "head", b: value });
    packer.beginList(2);
    packer.add(value);
    packer.add("tail");
    packer.beginList(0);
    const reply = await bench.send("EVAL", UNPACK, 0, packer.take());
    assertEquals(reply, ["head", text, [text, "tail"], [], 2]);
  },
);

Deno.test("bytes are packed as they are", async () => {
  await using bench = await Bench.open();
  const packer = new Packer();
  packer.begin(["a", "b"], { a: "head", b: BYTES.subarray(0, 200) });
  packer.beginList(1);
  packer.add(BYTES);
  const reply = await bench.client.send("EVAL", [UNPACK, 0, packer.take()], {
    binary: true,
  });
  assertEquals(list(reply)[1], BYTES.subarray(0, 200));
  assertEquals(list(reply)[2], [BYTES]);
});

Deno.test("what was taken stays as it is while the next is packed, also after a big one", () => {
  const packer = new Packer();
  const pack = (text: string) => {
    packer.begin(["a"], { a: text });
    packer.beginList(1);
    packer.add(text);
    return packer.take();
  };
  const first = pack("first");
  const copy = first.slice();
  const big = pack("y".repeat(1 << 20));
  assert(big.length > 1 << 21);
  assertEquals(pack("first"), copy);
  assertEquals(first, copy);
});
