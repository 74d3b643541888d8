/**
 * The dry run of publishing.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { captureDeno } from "./deno.ts";
import { STAND_INS } from "./jsr.ts";

/** How the dry run went. */
export interface DryRun {
  readonly name: string;
  readonly success: boolean;
  readonly output: string;
}

/**
 * Lets Deno check the package as the registry would.
 *
 * `deno publish` takes no `--import-map`: where JSR cannot be reached, it gets a copy
 * of the project whose `deno.json` maps to the stand-ins, and which contains them.
 */
export async function dryRun(importFlags: readonly string[]): Promise<DryRun> {
  if (importFlags.length === 0) return await publish("publish dry run", ".");
  const copy = await Deno.makeTempDir();
  try {
    await copyProject(copy);
    return await publish("publish dry run with the stand-ins", copy);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

async function publish(name: string, cwd: string): Promise<DryRun> {
  const { success, stdout, stderr } = await captureDeno(
    ["publish", "--dry-run", "--allow-dirty"],
    { cwd },
  );
  return { name, success, output: `${stdout}${stderr}` };
}

async function copyProject(target: string): Promise<void> {
  const files = ["LICENSE", "README.md", "CHANGELOG.md", "mod.ts", "worker.ts"];
  for (const path of [...files, "lib", ".ci"]) {
    await copyPath(path, `${target}/${path}`);
  }
  const map = JSON.parse(await Deno.readTextFile(STAND_INS)) as {
    imports: Record<string, string>;
  };
  const folder = STAND_INS.slice(0, STAND_INS.lastIndexOf("/"));
  // The package's own name is no import of it: Deno knows it from `exports`.
  const imports = Object.entries(map.imports)
    .filter(([name]) => !name.startsWith(config.name))
    .map(([name, url]) => [name, url.replace(/^\.\//, `./${folder}/`)]);
  const include = [...config.publish.include, `${folder}/*.ts`];
  const settings = {
    ...config,
    imports: Object.fromEntries(imports),
    publish: { include, exclude: ["!.ci"] },
  };
  await Deno.writeTextFile(`${target}/deno.json`, JSON.stringify(settings));
}

async function copyPath(from: string, to: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(from);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (info.isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copyPath(`${from}/${name}`, `${to}/${name}`);
  }
}
