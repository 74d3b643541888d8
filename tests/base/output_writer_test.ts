import { assertEquals, assertMatch } from "@std/assert";
import { OutputWriter } from "../../lib/base/output_writer.ts";
import { waitFor } from "../support/wait_for.ts";

/** A stream that accepts what the test allows. */
class Stream {
  text = "";
  writes = 0;
  fault: Error | undefined;
  /** Blocks writes until it is resolved. */
  gate: Promise<void> | undefined;
  /** Most bytes of one write. */
  most = Infinity;

  async write(bytes: Uint8Array): Promise<number> {
    this.writes++;
    await this.gate;
    if (this.fault) throw this.fault;
    const taken = bytes.slice(0, this.most);
    this.text += new TextDecoder().decode(taken);
    return taken.length;
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("OutputWriter writes lines of one turn at once", async () => {
  const stream = new Stream();
  const writer = new OutputWriter(stream);
  for (const line of ["a", "b", "c"]) writer.print(line);
  await writer.flush(1_000);
  assertEquals([stream.text, stream.writes], ["a\nb\nc\n", 1]);
});

Deno.test("OutputWriter writes lines and bytes in their order", async () => {
  const stream = new Stream();
  const writer = new OutputWriter(stream);
  writer.print("a");
  const written = writer.write(bytes("b\n"));
  writer.print("c");
  await written;
  await writer.flush(1_000);
  assertEquals(stream.text, "a\nb\nc\n");
});

Deno.test("OutputWriter writes the rest of what was taken in part", async () => {
  const stream = new Stream();
  stream.most = 3;
  const writer = new OutputWriter(stream);
  writer.print("a long line");
  assertEquals(await writer.flush(1_000), true);
  assertEquals(stream.text, "a long line\n");
});

Deno.test("OutputWriter counts what a broken stream does not take, and tells once it takes something again", async () => {
  const stream = new Stream();
  const writer = new OutputWriter(stream);
  const told: string[] = [];
  writer.onRecovered = ({ lines, bytes, why }) =>
    told.push(`${lines} ${bytes} ${why}`);
  stream.fault = new Error("No space left");
  writer.print("a");
  await writer.write(bytes("12345"));
  writer.print("b");
  await writer.flush(1_000);
  stream.fault = undefined;
  writer.print("c");
  await writer.flush(1_000);
  assertEquals(stream.text, "c\n");
  assertEquals(told, ["2 5 No space left"]);
});

Deno.test("OutputWriter drops lines that would take too much memory, and nothing waits", async () => {
  const stream = new Stream();
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.gate = promise;
  const writer = new OutputWriter(stream, { capacity: 10 });
  writer.print("first"); // 6 bytes
  await Promise.resolve();
  for (let i = 0; i < 5; i++) writer.print("1234"); // two of them wait
  resolve();
  await writer.flush(1_000);
  assertEquals(stream.text, "first\n1234\n1234\n");
  assertEquals(writer.takeDropped()?.lines, 3);
});

Deno.test("OutputWriter lets what a job prints go once nobody reads for a while", async () => {
  const stream = new Stream();
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.gate = promise;
  const writer = new OutputWriter(stream, { patience: 40 });
  const lent = bytes("under way\n");
  const first = writer.write(lent);
  await waitFor(() => stream.writes === 1);
  const second = writer.write(bytes("dropped\n"));
  await Promise.all([first, second]);
  lent.fill(0);
  assertEquals(await writer.flush(10), false);
  resolve();
  await writer.flush(1_000);
  assertEquals(stream.text, "under way\n");
  const dropped = writer.takeDropped();
  assertEquals([dropped?.lines, dropped?.bytes], [0, 8]);
  assertMatch(dropped?.why ?? "", /nobody reads/);
});

Deno.test("OutputWriter waits for a slow reader rather than lose what a job prints", async () => {
  const stream = new Stream();
  const write = stream.write.bind(stream);
  stream.most = 1;
  stream.write = async (given) => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return await write(given);
  };
  const writer = new OutputWriter(stream, { patience: 500 });
  await Promise.all([
    writer.write(bytes("0123456789")),
    writer.write(bytes("abcdef")),
  ]);
  assertEquals(stream.text, "0123456789abcdef");
  assertEquals(writer.takeDropped(), undefined);
});

Deno.test("OutputWriter tries a full stream that does not block again", async () => {
  const stream = new Stream();
  const writer = new OutputWriter(stream);
  stream.fault = new Deno.errors.WouldBlock();
  writer.print("a");
  await waitFor(() => stream.writes > 2);
  stream.fault = undefined;
  await writer.flush(1_000);
  assertEquals(stream.text, "a\n");
  assertEquals(writer.takeDropped(), undefined);
});
