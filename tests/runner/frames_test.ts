import { assert, assertEquals } from "@std/assert";
import {
  FRAME_SIZE,
  FrameWriter,
  type MessageKind,
  TOKEN_SIZE,
} from "../../lib/runner/frames.ts";
import { type FrameEvent, FrameParser } from "../../lib/runner/frame_parser.ts";

const TOKEN = new Uint8Array(TOKEN_SIZE).map((_, i) => i * 7 + 1);

function framesOf(kind: MessageKind, payload: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  new FrameWriter(
    TOKEN,
    (buffer, length) => frames.push(new Uint8Array(buffer.slice(0, length))),
  )
    .send(kind, 7, payload);
  return frames;
}

function concat(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function outputOf(events: FrameEvent[]): Uint8Array {
  return concat(events.flatMap((e) => e.type === "output" ? [e.bytes] : []));
}

/** The same numbers each time. */
function randomSource(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
}

/** Text, NULs, and beginnings of the mark, which are the hard part. */
function noise(random: (below: number) => number): Uint8Array {
  const mark = concat([new Uint8Array([0xff]), TOKEN]);
  const parts = Array.from({ length: random(6) }, () => {
    switch (random(4)) {
      case 0:
        return new Uint8Array(random(300));
      case 1:
        return mark.slice(0, random(mark.length));
      case 2:
        return new Uint8Array(random(40)).fill(0xff);
      default:
        return new Uint8Array(random(200)).map(() => random(256));
    }
  });
  return concat(parts);
}

Deno.test("FrameParser separates messages from output, however the bytes are cut", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomSource(seed);
    const output: Uint8Array[] = [];
    const sent: string[] = [];
    const stream: Uint8Array[] = [];
    for (let i = 0; i < 5; i++) {
      const payload = new Uint8Array(random(3) * random(6_000)).fill(i);
      const kind = (["call", "success", "end"] as const)[random(3)]!;
      sent.push(`${kind} ${payload.length}`);
      // A grandchild may print between two frames of one message.
      for (const frame of framesOf(kind, payload)) {
        const printed = noise(random);
        output.push(printed);
        stream.push(printed, frame);
      }
    }
    const events = pushInPieces(concat(stream), random);
    assertEquals(outputOf(events), concat(output), `seed ${seed}`);
    const got = events.flatMap((e) =>
      e.type === "message" ? [`${e.kind} ${e.payload.length}`] : []
    );
    assertEquals(got, sent, `seed ${seed}`);
  }
});

function pushInPieces(
  bytes: Uint8Array,
  random: (below: number) => number,
): FrameEvent[] {
  const parser = new FrameParser(TOKEN);
  const events: FrameEvent[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = from + 1 + random(random(2) === 0 ? 20 : 5_000);
    events.push(...parser.push(bytes.slice(from, to)));
    from = to;
  }
  return [...events, ...parser.flush()];
}

Deno.test("FrameParser passes text on at once", () => {
  const parser = new FrameParser(TOKEN);
  const text = new TextEncoder().encode("hello\n");
  assertEquals(outputOf(parser.push(text)), text);
});

Deno.test("FrameParser takes a frame with another token for output", () => {
  const parser = new FrameParser(new Uint8Array(TOKEN_SIZE).fill(9));
  const frames = concat(framesOf("success", new Uint8Array([49])));
  const events = [...parser.push(frames), ...parser.flush()];
  assertEquals(outputOf(events), frames);
});

Deno.test("FrameParser refuses a malformed frame with the right token", () => {
  const [frame] = framesOf("success", new Uint8Array([49]));
  const bad = frame!.slice();
  bad[1 + TOKEN_SIZE] = 99;
  const events = new FrameParser(TOKEN).push(concat([frame!, bad, frame!]));
  assertEquals(events.map(({ type }) => type), ["message", "malformed"]);
});

Deno.test("FrameWriter writes no frame that is longer than a pipe takes at once", () => {
  const frames = framesOf("success", new Uint8Array(100_000));
  assert(frames.length > 24);
  assert(frames.every((frame) => frame.length <= FRAME_SIZE));
});

Deno.test("FrameParser reads 100 MB of anything: in more than linear time it would take for ever", () => {
  for (const byte of [0, 0xff, TOKEN.at(-1)!]) {
    const chunk = new Uint8Array(64 * 1024).fill(byte);
    const parser = new FrameParser(TOKEN);
    let size = 0;
    for (let i = 0; i < 1_600; i++) {
      for (const event of parser.push(chunk)) {
        if (event.type === "output") size += event.bytes.length;
      }
    }
    assert(size > 1_599 * chunk.length);
  }
});
