/** What a worker could not write of its output is told, also by one that a program embeds. */

import { assertEquals } from "@std/assert";
import { OutputWriter } from "../../lib/base/output_writer.ts";
import { tellDropped } from "../../lib/worker/output.ts";
import { Bench, JOBS } from "../e2e/support.ts";
import { runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";
import { Program } from "../support/processes.ts";
import { RedisServer } from "../support/redis_server.ts";

/** A stream that takes nothing while it is full. */
class Stream {
  isFull = false;

  write(bytes: Uint8Array): Promise<number> {
    return this.isFull
      ? Promise.reject(new Error("No space left"))
      : Promise.resolve(bytes.length);
  }
}

/** Has a line dropped, and then another one taken. */
async function drop(stream: Stream, writer: OutputWriter): Promise<void> {
  stream.isFull = true;
  writer.print("lost");
  await writer.write(new Uint8Array(5));
  await writer.flush(1_000);
  stream.isFull = false;
  writer.print("taken");
  await writer.flush(1_000);
}

Deno.test("what a stream did not take is told once it takes something again, until that is disposed of", async () => {
  const stream = new Stream();
  const writer = new OutputWriter(stream);
  const told: string[] = [];
  {
    using _telling = tellDropped((text) => told.push(text), [writer]);
    await drop(stream, writer);
  }
  assertEquals(told, [
    "Could not write 1 log line and 5 bytes of what jobs printed: No space left",
  ]);
  await drop(stream, writer);
  assertEquals(told.length, 1);
});

Deno.test("of two workers in a program the later one tells, also when the other has left", async () => {
  const stream = new Stream();
  const writer = new OutputWriter(stream);
  const told: string[] = [];
  const first = tellDropped(() => told.push("first"), [writer]);
  using _second = tellDropped(() => told.push("second"), [writer]);
  first[Symbol.dispose]();
  await drop(stream, writer);
  assertEquals(told, ["second"]);
});

const PROGRAM = `
import { Worker } from "${new URL("../../worker.ts", import.meta.url)}";
const [connection, path] = Deno.args;
const warn = (text: string) => console.error(text);
const log = { debug() {}, info() {}, warn, error: warn };
await new Worker("low", { connection, paths: [path!], log }).work();
`;

Deno.test("a program that embeds a worker is told over its own log what could not be printed", async () => {
  await using redis = await RedisServer.start();
  await using bench = new Bench(redis.url);
  const directory = await Deno.makeTempDir();
  const program = `${directory}/program.ts`;
  await Deno.writeTextFile(program, PROGRAM);
  // More than any pipe holds, and nobody reads it.
  const job = await bench.queue("low").enqueue("jobs.floods", 30_000);
  const child = new Deno.Command(Deno.execPath(), {
    // The program lies outside of the project, whose packages it needs.
    args: [
      ...["run", "-A", "--config", `${ROOT}/deno.json`, ...runFlags()],
      ...[program, redis.url, JOBS],
    ],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await bench.hasStatus(job.id, "finished");
  // Reads its output from now on, while the worker goes on.
  await using running = new Program(child);
  await running.waitForOutput(
    /Could not write \d+ bytes of what jobs printed: nobody reads it/,
  );
  await Deno.remove(directory, { recursive: true });
});
