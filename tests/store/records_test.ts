import { assertEquals } from "@std/assert";
import { Packer } from "../../lib/store/pack.ts";
import {
  END,
  placesLua,
  type RecordNames,
  type RecordValues,
} from "../../lib/store/records.ts";
import { Bench } from "./support.ts";

const RECORDS: [string, RecordNames][] = [["END", END]];

/** The constant that a script has for the place of a value. */
function constant(name: string): string {
  return name.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
}

Deno.test.each(RECORDS)(
  "each value of %s is where a script looks for it",
  async (_, names) => {
    await using bench = await Bench.open();
    const values: RecordValues<RecordNames> = Object.fromEntries(
      names.map((name) => [name, `the ${name}`]),
    );
    const packer = new Packer();
    packer.begin();
    packer.record(names, values);
    packer.record(names, values);
    const lua = `${placesLua(names)}
local records = cmsgpack.unpack(ARGV[1])
local record = records[2]
return {${names.map((name) => `record[${constant(name)}]`)}, #record}`;
    const reply = await bench.send("EVAL", lua, 0, packer.take());
    assertEquals(reply, [...names.map((name) => `the ${name}`), names.length]);
  },
);

Deno.test("names of several words get a constant of several", () => {
  assertEquals(placesLua(["id", "textFrom"]), "local ID, TEXT_FROM = 1, 2\n");
});
