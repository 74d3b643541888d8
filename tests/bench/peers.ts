/** RQ and BullMQ: found where the environment says, else installed into a cache directory outside the checkout. */

import { join } from "node:path";
import { isFile } from "../../lib/base/files.ts";
import { runToEnd } from "./children.ts";
import { note } from "./print.ts";

/** Where a peer is, or why it is not there. */
export type Peer = { readonly path: string } | { readonly reason: string };

const INSTALL_MS = 300_000;

/** The Python that has RQ. */
export async function findRq(): Promise<Peer> {
  const given = Deno.env.get("RQ_PYTHON");
  if (given) return { path: given };
  const directory = join(cacheDirectory(), "rq");
  const python = join(directory, "bin", "python");
  return await installed(directory, python, async () => {
    note(`Installing RQ into ${directory}`);
    await run(directory, "python3", "-m", "venv", directory);
    await run(directory, python, "-m", "pip", "install", "--quiet", "rq");
  });
}

/** The directory whose `node_modules` has BullMQ and ioredis. */
export async function findBullmq(): Promise<Peer> {
  const given = Deno.env.get("BULLMQ_HOME");
  if (given) return { path: given };
  const directory = join(cacheDirectory(), "bullmq");
  return await installed(directory, directory, async () => {
    note(`Installing BullMQ into ${directory}`);
    const flags = ["--no-audit", "--no-fund", "--prefix", directory];
    await run(
      directory,
      ...[
        "npm",
        "install",
        ...flags,
        "bullmq@latest",
        "ioredis@latest",
      ] as const,
    );
  });
}

/** A mark is left after the install, so that half of one does not count. */
async function installed(
  directory: string,
  path: string,
  install: () => Promise<void>,
): Promise<Peer> {
  const mark = join(directory, ".installed");
  if (isFile(mark)) return { path };
  try {
    await Deno.mkdir(directory, { recursive: true });
    await install();
    await Deno.writeTextFile(mark, "");
    return { path };
  } catch (error) {
    return { reason: `not installed: ${(error as Error).message}` };
  }
}

async function run(
  cwd: string,
  command: string,
  ...args: string[]
): Promise<void> {
  await runToEnd({ command, args, cwd }, INSTALL_MS);
}

function cacheDirectory(): string {
  const given = Deno.env.get("RQ_BENCH_CACHE");
  if (given) return given;
  const base = Deno.env.get("XDG_CACHE_HOME") ??
    join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(base, "deno-rq-bench");
}
