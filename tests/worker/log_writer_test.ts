import { assert, assertEquals } from "@std/assert";
import { readLog } from "../../lib/store/log_lines.ts";
import { LogWriter } from "../../lib/worker/log_writer.ts";
import { Bench } from "../store/support.ts";

async function open(bench: Bench, most = 65_536) {
  await bench.add("a");
  const execution = await bench.claim(await bench.worker());
  const errors: unknown[] = [];
  const writer = new LogWriter({
    store: bench.workers,
    execution,
    most,
    onError: (error) => errors.push(error),
  });
  const read = async () => {
    const pages = await Array.fromAsync(readLog(bench.jobs, "a", "0-0"));
    return pages.flat().map(([, line]) => line);
  };
  return { writer, execution, errors, read };
}

const encoder = new TextEncoder();

Deno.test("what is printed is cut into lines, wherever its chunks begin", async () => {
  await using bench = await Bench.open();
  const { writer, read } = await open(bench);
  const bytes = encoder.encode("grün\r\n\nblau\nrot");
  for (let i = 0; i < bytes.length; i++) {
    writer.printed("stdout", bytes.subarray(i, i + 1));
  }
  writer.printed("stderr", encoder.encode("x".repeat(20_000)));
  assertEquals(writer.hasLines, true);
  await writer.finish();
  const lines = await read();
  assertEquals(
    lines.filter(({ source }) => source === "stdout").map(({ text }) => text),
    ["grün", "", "blau", "rot"],
  );
  assertEquals(
    lines.filter(({ source }) => source === "stderr")
      .map(({ text }) => text.length),
    [8192, 8192, 3616],
  );
});

Deno.test("a flood is cut here to the end that is kept, and holds up nobody", async () => {
  await using bench = await Bench.open();
  const { writer, read, errors } = await open(bench, 4_096);
  const chunk = encoder.encode("0123456789\n".repeat(1_000));
  for (let i = 0; i < 200; i++) writer.printed("stdout", chunk);
  writer.log("last");
  await writer.finish();
  const lines = await read();
  assertEquals(lines.at(-1)!.text, "last");
  assertEquals(lines.at(-1)!.line, 200_001);
  assert(lines.length > 50 && lines.length < 110, `${lines.length}`);
  assertEquals(errors, []);
});

Deno.test("a flood of empty lines is cut here, too: each takes something", async () => {
  await using bench = await Bench.open();
  const { writer, read } = await open(bench, 4_096);
  const chunk = encoder.encode("\n".repeat(1_000));
  for (let i = 0; i < 50; i++) writer.printed("stdout", chunk);
  writer.log("last");
  await writer.finish();
  const lines = await read();
  assertEquals(lines.at(-1)!.line, 50_001);
  assert(lines.length > 50 && lines.length < 130, `${lines.length}`);
  const [, , call] = String(
    await bench.send("HGET", bench.keys.job("a"), "x_log"),
  ).split(" ");
  assertEquals(call!.split(":").at(-1), "1"); // what was dropped was never sent
});

Deno.test("a job that has printed nothing has no log, and costs no call", async () => {
  await using bench = await Bench.open();
  const { writer } = await open(bench);
  writer.printed("stdout", new Uint8Array());
  await writer.finish();
  assertEquals(writer.hasLines, false);
  assertEquals(await bench.send("EXISTS", bench.keys.log("a")), 0);
});

Deno.test("after a lost lease, nothing is stored", async () => {
  await using bench = await Bench.open();
  const { writer, read, execution, errors } = await open(bench);
  await bench.expire(execution);
  await bench.sweep();
  writer.log("late");
  await writer.finish();
  assertEquals([await read(), errors], [[], []]);
});

Deno.test("lines that Redis refuses are reported once, and counted", async () => {
  await using bench = await Bench.open();
  const { writer, read, errors } = await open(bench);
  await bench.send("CONFIG", "SET", "maxmemory", 1);
  writer.log("one\ntwo");
  await writer.finish();
  writer.log("three");
  await writer.finish();
  assertEquals(errors.length, 1);
  assert(String(errors[0]).includes("OOM"), String(errors[0]));
  await bench.send("CONFIG", "SET", "maxmemory", 0);
  writer.log("four");
  await writer.finish();
  assertEquals((await read()).map(({ line, text }) => [line, text]), [[
    4,
    "four",
  ]]);
});
