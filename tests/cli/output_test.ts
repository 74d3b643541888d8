import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Output, type OutputStream, styled } from "../../lib/cli/output.ts";
import { runFlags } from "../support/deno_flags.ts";
import { ROOT } from "../support/paths.ts";

/** A stream that keeps what is written, at most some bytes at a time. */
class Kept implements OutputStream {
  readonly #isTerminal: boolean;
  #bytes: number[] = [];

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  get text(): string {
    return new TextDecoder().decode(new Uint8Array(this.#bytes));
  }

  write(bytes: Uint8Array): Promise<number> {
    const taken = bytes.subarray(0, 7);
    this.#bytes.push(...taken);
    return Promise.resolve(taken.length);
  }

  isTerminal(): boolean {
    return this.#isTerminal;
  }
}

Deno.test("Output escapes what a terminal must not see, everywhere", async () => {
  const stream = new Kept(false);
  const out = new Output(stream, new Kept(false));
  const evil = "a\x1b[2J\nb";
  await out.line(evil, styled("red", evil));
  await out.lines("one\ntwo\x07");
  await out.table([[evil, "c"]]);
  await out.json({ evil });
  assertEquals(stream.text.split("\n"), [
    "a\\x1b[2J\\nba\\x1b[2J\\nb",
    "one",
    "two\\x07",
    "a\\x1b[2J\\nb  c",
    '{"evil":"a\\u001b[2J\\nb"}',
    "",
  ]);
});

Deno.test("Output.table() aligns columns by what is seen", async () => {
  const stream = new Kept(false);
  await new Output(stream).table([
    ["NAME", "N", "STATUS"],
    ["a\n", "100", styled("red", "failed")],
    ["größer", "1", ""],
    ["漢字", "2", "ok"],
  ]);
  assertEquals(stream.text.split("\n"), [
    "NAME    N    STATUS",
    "a\\n     100  failed",
    "größer  1",
    "漢字    2    ok",
    "",
  ]);
});

Deno.test("Output.json() keeps integers that a number cannot hold", async () => {
  const stream = new Kept(false);
  const at = new Date(0);
  await new Output(stream).json({ id: 9007199254740993n, at });
  assertEquals(
    stream.text,
    '{"id":9007199254740993,"at":"1970-01-01T00:00:00.000Z"}\n',
  );
});

Deno.test("a progress bar is seen on a terminal only, and removed", async () => {
  for (const isTerminal of [true, false]) {
    const bars = new Kept(isTerminal);
    const progress = new Output(new Kept(false), bars).progress("Requeueing");
    progress.update(1, 2);
    await progress.end();
    const shown = `\r\x1b[KRequeueing [${"█".repeat(15)}${
      " ".repeat(15)
    }] 50% 1 of 2\r\x1b[K`;
    assertEquals(bars.text, isTerminal ? shown : "");
  }
});

Deno.test("Output waits for a stream that is full, and tells that nobody reads", async () => {
  const errors = [new Deno.errors.WouldBlock(), new Deno.errors.BrokenPipe()];
  const stream: OutputStream = {
    write: () => Promise.reject(errors.shift()),
    isTerminal: () => false,
  };
  const error = await assertRejects(() => new Output(stream).line("a"));
  assertEquals((error as Error).name, "ReaderGoneError");
  assertEquals(errors.length, 0);
});

Deno.test(
  "output that cannot be written is told in a line, as on a disk that is full",
  {
    ignore: Deno.build.os !== "linux",
  },
  async () => {
    const program = [
      ...[Deno.execPath(), "run", "-A", "--quiet", "--no-lock", "--config"],
      ...[
        `${ROOT}/deno.json`,
        ...runFlags(),
        `${ROOT}/worker.ts`,
        "help",
        "job",
      ],
    ];
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", '"$@" > /dev/full', "sh", ...program],
    }).output();
    const text = new TextDecoder().decode(stderr);
    assertEquals(code, 1, text);
    assertMatch(text, /^Cannot write the output: No space left .*\n$/);
  },
);
