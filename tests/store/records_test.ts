import { assertEquals } from "@std/assert";
import { Packer } from "../../lib/store/pack.ts";
import {
  CLAIM_REPLY,
  CLAIMED,
  END,
  listLua,
  localsLua,
  NEW_JOB,
  placesLua,
  type RecordNames,
  type RecordValues,
  SKIPPED,
} from "../../lib/store/records.ts";
import { Bench } from "./support.ts";

const RECORDS: [string, RecordNames][] = [
  ["END", END.filter((name) => !name.startsWith("..."))],
  ["CLAIMED", CLAIMED],
  ["SKIPPED", SKIPPED],
  ["CLAIM_REPLY", CLAIM_REPLY],
];

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

Deno.test("a record that ends in fields has a place for the first of them, and room for all", async () => {
  await using bench = await Bench.open();
  const packer = new Packer();
  packer.begin(["a", "bC"], { a: 1, bC: "x" });
  const fields = new Map([["status", "queued"], ["origin", "q"]]);
  packer.record(NEW_JOB, { id: "j", ttl: 5, due: "0" }, fields);
  const lua = `${placesLua(NEW_JOB)}
local ${localsLua(["a", "bC"])}, jobs = cmsgpack.unpack(ARGV[1])
local job = jobs[1]
return {a, b_c, job[ID], job[TTL], job[DUE], unpack(job, FIELDS)}`;
  assertEquals(await bench.send("EVAL", lua, 0, packer.take()), [
    ...["1", "x", "j", "5", "0"],
    ...["status", "queued", "origin", "q"],
  ]);
});

Deno.test("listLua() puts what is given by name into a record's order", () => {
  const given = { reason: "'gone'", jobId: "ids[1]", queue: "q" };
  assertEquals(listLua(SKIPPED, given), "{q, ids[1], 'gone'}");
});
