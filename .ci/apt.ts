/**
 * Packages of Debian, where this machine lets us install them.
 *
 * @module
 */

import { capture, isInstalled, say } from "./deno.ts";

/**
 * Installs packages with `apt-get`.
 *
 * @returns nothing if all is well, else why not, with the command to run
 */
export async function installWithApt(
  packages: readonly string[],
): Promise<string | undefined> {
  const names = packages.join(" ");
  if (!await isInstalled("apt-get")) {
    return `there is no apt-get; install ${names} with your package manager`;
  }
  if (Deno.uid() !== 0) return `run: sudo apt-get install --yes ${names}`;
  say(`Installing ${names} with apt-get`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await capture("apt-get", ["update", "-qq"], { env });
  const flags = ["install", "--yes", "-qq", "--no-install-recommends"];
  const { success, stdout, stderr } = await capture(
    "apt-get",
    [...flags, ...packages],
    { env },
  );
  return success ? undefined : `apt-get says: ${lastLine(stderr || stdout)}`;
}

/** The last line that says something, for what went wrong stands there. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
