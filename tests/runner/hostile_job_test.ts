import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Isolation } from "../../lib/job/isolation.ts";
import { FrameParser } from "../../lib/runner/frame_parser.ts";
import { TOKEN_SIZE } from "../../lib/runner/frames.ts";
import { FIXTURES } from "./support.ts";

const CHILD = new URL("../../lib/runner/child.ts", import.meta.url).href;
const HOSTILE = pathToFileURL(join(FIXTURES, "hostile.ts")).href;

/** A subprocess that the test drives as a worker would, so that it knows the token. */
class Child implements AsyncDisposable {
  readonly token = crypto.getRandomValues(new Uint8Array(TOKEN_SIZE));
  readonly messages: { kind: string; run: number; text: string }[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>[];
  #wake: () => void = () => {};
  #runs = 0;

  constructor(isolation: Isolation) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-lock", "--no-config", CHILD],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#reading = [this.#process.stdout, this.#process.stderr]
      .map((pipe) => this.#read(pipe));
    void this.#say({ type: "hello", token: this.token.toHex(), isolation });
  }

  async #read(pipe: ReadableStream<Uint8Array>): Promise<void> {
    const parser = new FrameParser(this.token);
    for await (const chunk of pipe) {
      for (const event of parser.push(chunk)) {
        if (event.type === "output") continue;
        if (event.type === "malformed") throw new Error("malformed frame");
        const text = new TextDecoder().decode(event.payload);
        this.messages.push({ kind: event.kind, run: event.run, text });
        if (event.kind === "call") {
          const { id } = JSON.parse(text);
          void this.#say({ type: "reply", run: event.run, id, value: "x" });
        }
      }
      this.#wake();
    }
  }

  async run(exportName: string, ...args: unknown[]): Promise<string> {
    const run = ++this.#runs;
    const call = { funcName: "hostile.x", args, kwargs: {} };
    const request = { jobId: "job", meta: {}, ...call };
    const job = { url: HOSTILE, exportName, request };
    await this.#say({ type: "run", run, isQuiet: false, job });
    const isAnswer = (m: { kind: string; run: number }) =>
      m.run === run && (m.kind === "success" || m.kind === "failure");
    for (;;) {
      const answer = this.messages.find(isAnswer);
      if (answer !== undefined) return `${answer.kind} ${answer.text}`;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async #say(message: unknown): Promise<void> {
    const line = new TextEncoder().encode(`${JSON.stringify(message)}\n`);
    await this.#writer.write(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#process.status;
    await Promise.all(this.#reading);
  }
}

for (const isolation of ["process", "reuse", "shared"] as const) {
  Deno.test(`${isolation}: a job that replaces everything sees no token, and can forge nothing`, async () => {
    const file = await Deno.makeTempFile();
    await using child = new Child(isolation);
    assertEquals(await child.run("patchAll"), 'success "patched"');
    assertStringIncludes(await child.run("useAll"), `success {"big":"xxx`);
    assertStringIncludes(await child.run("failBadly"), "really");
    assertEquals(await child.run("forge", file), 'success "real"');
    const seen = await Deno.readTextFile(file);
    await Deno.remove(file);
    assert(seen.length > 1_000, "the job has seen next to nothing");
    assert(!seen.includes(child.token.toHex()), "the job has seen the token");
    const answers = child.messages.filter(({ kind }) =>
      kind === "success" || kind === "failure"
    );
    assertEquals(answers.length, 4);
  });
}
