import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Queue } from "../../mod.ts";
import {
  CHILD_ARGUMENT,
  isChildInvocation,
} from "../../lib/runner/protocol.ts";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testUnless } from "../support/skip.ts";

const ROOT = new URL("../../", import.meta.url);

async function deno(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1", ...env },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** The compiled worker, or the reason why there is none. */
async function compile(env: Readonly<Record<string, string>> = {}): Promise<
  { binary: string; folder: string } | { reason: string }
> {
  const folder = await Deno.makeTempDir();
  const binary = `${folder}/rq-worker`;
  const { code, err } = await deno([
    "compile",
    "-A",
    "--no-lock",
    ...runFlags(),
    "--output",
    binary,
    "worker.ts",
  ], env);
  if (code === 0) return { binary, folder };
  await Deno.remove(folder, { recursive: true });
  // What has to be downloaded once is Deno's base binary; everything else that fails is a fault.
  const unreachable = /dns error|error sending request|denort|download/i;
  if (!unreachable.test(err)) throw new Error(`Cannot compile: ${err}`);
  return {
    reason:
      "Deno's base binary for compiling cannot be downloaded, and DENORT_BIN is not set",
  };
}

const compiled = await compile();
const reason = "reason" in compiled ? compiled.reason : undefined;

testUnless(
  reason,
  "the compiled worker runs TypeScript jobs from disk on a machine without Deno",
  async () => {
    if (!("binary" in compiled)) throw new Error("unreachable");
    const jobs = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(
        `${jobs}/help.ts`,
        `export const twice = (n: number): number => 2 * n;`,
      );
      await Deno.writeTextFile(
        `${jobs}/calc.ts`,
        `import { twice } from "./help.ts";\nexport function run(n: number) { console.log("calculating"); return [twice(n), Deno.pid]; }`,
      );
      await using redis = await RedisServer.start();
      await using queue = new Queue("low", { connection: redis.url });
      const job = await queue.enqueue("calc.run", 21);
      const { code, stdout } = await new Deno.Command(compiled.binary, {
        args: ["--burst", "--queues", "low", "--url", redis.url],
        cwd: jobs,
        env: { PATH: "/usr/bin:/bin" },
      }).output();
      assertEquals(code, 0);
      assertStringIncludes(new TextDecoder().decode(stdout), "calculating");
      assertEquals((await job.result() as number[])[0], 42);
    } finally {
      await Deno.remove(jobs, { recursive: true });
      await Deno.remove(compiled.folder, { recursive: true });
    }
  },
);

Deno.test("deno compile packs the worker with all modules of its subprocesses", async () => {
  // With deno itself as the base binary nothing is downloaded; what comes out cannot run, but shows what was packed.
  const packed = await compile({ DENORT_BIN: Deno.execPath() });
  if ("reason" in packed) throw new Error(packed.reason);
  try {
    const program = await Deno.readFile(packed.binary);
    const base = (await Deno.stat(Deno.execPath())).size;
    const text = new TextDecoder("latin1").decode(program.subarray(base));
    for (
      const file of [
        "worker.ts",
        "lib/runner/child.ts",
        "lib/runner/child_main.ts",
        "lib/runner/child_job.ts",
        "lib/cli/main.ts",
      ]
    ) {
      const source = await Deno.readTextFile(new URL(file, ROOT));
      const firstLines = source.slice(0, source.indexOf("*/"));
      assert(text.includes(firstLines), `${file} is not packed`);
    }
    assert(
      /"permissions":\{"allow_env":\[\]/.test(text),
      "flags are not packed",
    );
  } finally {
    await Deno.remove(packed.folder, { recursive: true });
  }
});

Deno.test("a program that was started as a subprocess knows it by its first argument", () => {
  assert(isChildInvocation([CHILD_ARGUMENT]));
  assert(!isChildInvocation(["--queues", CHILD_ARGUMENT]));
  assert(!isChildInvocation([]));
});

Deno.test("worker.ts started as a subprocess serves one, and does not start a worker that starts itself", async () => {
  const { code, out, err } = await deno([
    "run",
    "-A",
    ...runFlags(),
    "worker.ts",
    CHILD_ARGUMENT,
  ]);
  // stdin is closed, which tells a subprocess that its worker is gone
  assertEquals({ code, out, err }, { code: 0, out: "", err: "" });
});

Deno.test("everything that a compiled worker needs is in its static module graph", async () => {
  const { out } = await deno(["info", "--json", ...runFlags(), "worker.ts"]);
  const { modules } = JSON.parse(out) as {
    modules: { specifier: string; error?: string }[];
  };
  assertEquals(modules.filter(({ error }) => error !== undefined), []);
  const graph = new Set(modules.map(({ specifier }) => specifier));
  for (
    const file of ["child.ts", "child_main.ts", "child_job.ts", "current.ts"]
  ) {
    const url = new URL(`lib/runner/${file}`, ROOT).href;
    assert(graph.has(url), `${file} is not in the graph of worker.ts`);
  }
});
