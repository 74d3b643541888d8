/** Flags of `deno` for the programs that tests start. */

import { fromFileUrl } from "./paths.ts";

/**
 * The flags with which a test starts `deno run` as a user would: none, or the import
 * map of the stand-ins if this process itself runs on them.
 */
export function runFlags(): string[] {
  const url = import.meta.resolve("@std/assert");
  if (/^(jsr|https?):/.test(url)) return [];
  const map = new URL("../../.ci/npm/import_map.json", import.meta.url);
  return ["--import-map", fromFileUrl(map)];
}

/** The flags of a worker whose jobs import this package: they are no part of its project, and need what it imports. */
export function jobFlags(): string[] {
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const [name, map] = runFlags();
  const flags = [`--config=${config}`, ...(map ? [`${name}=${map}`] : [])];
  return flags.map((flag) => `--job-deno-arg=${flag}`);
}

/** The flags of a pool whose workers are to start as this process did. */
export function poolFlags(): string[] {
  const [name, map] = runFlags();
  return map ? [`--worker-deno-arg=${name}=${map}`] : [];
}
