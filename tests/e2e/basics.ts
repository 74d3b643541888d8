import { fail } from "@std/assert";
import { fileURLToPath } from "node:url";

/** Options of {@linkcode waitFor}. */
export interface WaitForOptions {
  /** Milliseconds. @default 20_000 */
  readonly timeout?: number;
  /** What was waited for. */
  readonly message?: () => string;
}

/** Waits until a condition holds. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  options: WaitForOptions = {},
): Promise<void> {
  const { timeout = 20_000, message = () => String(condition) } = options;
  const deadline = performance.now() + timeout;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      fail(`Waited ${timeout} ms in vain for ${message()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The flags of `deno run` with which a program finds the packages that this test found. */
export function runFlags(): string[] {
  if (import.meta.resolve("@db/redis").startsWith("jsr:")) return [];
  const map = fileURLToPath(
    new URL("../../.ci/npm/import_map.json", import.meta.url),
  );
  try { Deno.statSync(map); } catch { return ["--quiet", "--import-map=/tmp/map.json"]; }
  return [`--import-map=${map}`];
}
