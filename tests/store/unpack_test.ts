import { assertEquals, assertThrows } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { Unpacker } from "../../lib/store/unpack.ts";
import { RedisServer } from "../support/redis_server.ts";

/** What Redis packs of its arguments: a list with each of them, twice. */
const PACK = `
local list = {}
for i = 1, #ARGV do list[i] = {ARGV[i], ARGV[i]} end
return cmsgpack.pack({list, {}})
`;

Deno.test("an Unpacker reads what Redis packs: texts and lists of all lengths, bytes untouched", async () => {
  await using redis = await RedisServer.start();
  const client = connect(redis.url);
  try {
    const texts = [0, 1, 31, 32, 33, 255, 256, 65_535, 65_536, 1_000_000]
      .map((length) => "x".repeat(length));
    texts.push("é", "名前".repeat(20), "🦕", "a\0b", "äöü".repeat(11));
    const more = Array.from({ length: 5_000 }, (_, i) => `text ${i}`);
    for (const sent of [[], texts, texts.slice(0, 1), [...texts, ...more]]) {
      const reply = await client.send("EVAL", [PACK, 0, ...sent], {
        binary: true,
      });
      const from = new Unpacker(reply as Uint8Array);
      assertEquals(from.listLength(), 2);
      const count = from.listLength();
      const read = Array.from({ length: count }, () => {
        assertEquals(from.listLength(), 2);
        const text = from.text();
        assertEquals(from.text(), text);
        return text;
      });
      assertEquals(read, sent);
      assertEquals(from.listLength(), 0);
      assertThrows(() => from.listLength(), TypeError); // all has been read
    }
    const binary = Uint8Array.from({ length: 256 }, (_, i) => i);
    const script = "return cmsgpack.pack({{'x', ARGV[1]}})";
    const reply = await client.send("EVAL", [script, 0, binary], {
      binary: true,
    });
    const from = new Unpacker(reply as Uint8Array);
    from.listLength();
    assertEquals(from.fields().get("x"), binary);
  } finally {
    await client.close();
  }
});

Deno.test.each<[string, number[], (from: Unpacker) => unknown]>([
  ["a number for a list", [0x05], (from) => from.listLength()],
  ["a list for a text", [0x91], (from) => from.text()],
  ["a text that is cut off", [0xa5, 0x61], (from) => from.text()],
  ["nothing", [], (from) => from.text()],
])("an Unpacker refuses %s", (_what, bytes, read) => {
  const from = new Unpacker(new Uint8Array(bytes));
  assertThrows(() => read(from), TypeError, "Cannot read the script's reply");
});

Deno.test("fields() gives named values, whatever their lengths and bytes", async () => {
  await using redis = await RedisServer.start();
  const client = connect(redis.url);
  try {
    const sent = new Map([
      ["data", "x".repeat(100_000)],
      ["dat", "shorter name"],
      ["date", "as long, another name"],
      ["empty", ""],
      ["text", "名前 🦕"],
    ]);
    const script = "return cmsgpack.pack({ARGV, {}})";
    const args = [script, 0, ...[...sent].flat()];
    const reply = await client.send("EVAL", args, { binary: true });
    const from = new Unpacker(reply as Uint8Array);
    from.listLength();
    const fields = from.fields();
    for (const [name, value] of sent) {
      assertEquals(new TextDecoder().decode(fields.get(name)), value);
    }
    assertEquals(fields.get("Data"), undefined);
    assertEquals(fields.get(""), undefined);
    assertEquals(from.fields().get("data"), undefined);
    assertThrows(() => from.listLength(), TypeError); // all has been read
  } finally {
    await client.close();
  }
});

Deno.test("record() gives values by name, and refuses a list of another length", async () => {
  await using redis = await RedisServer.start();
  const client = connect(redis.url);
  try {
    const script = "return cmsgpack.pack({{'1', {'x', 'y'}}, {'1'}})";
    const reply = await client.send("EVAL", [script, 0], { binary: true });
    const from = new Unpacker(reply as Uint8Array);
    const read = () =>
      from.record<{ number: number; texts: string[] }>(["number", "texts"], {
        texts: () => from.listOf(() => from.text()),
        number: () => Number(from.text()),
      });
    from.listLength();
    assertEquals(read(), { number: 1, texts: ["x", "y"] });
    assertThrows(read, TypeError, "expected 2 values");
  } finally {
    await client.close();
  }
});

Deno.test("fields are found by names of any length, and only those that are there", () => {
  const text = (value: string) => [
    ...value.length < 32 ? [0xa0 | value.length] : [0xd9, value.length],
    ...new TextEncoder().encode(value),
  ];
  const names = ["a", "b".repeat(32), "c".repeat(33)];
  const bytes = [
    0x96,
    ...names.flatMap((name) => [...text(name), ...text("1")]),
  ];
  const fields = new Unpacker(new Uint8Array(bytes)).fields();
  const found = (name: string) => fields.get(name) !== undefined;
  assertEquals(names.map(found), [true, true, true]);
  const others = [
    "",
    "x",
    "aa",
    "x".repeat(31),
    "x".repeat(32),
    "x".repeat(33),
    "x".repeat(64),
  ];
  assertEquals(others.filter(found), []);
});
