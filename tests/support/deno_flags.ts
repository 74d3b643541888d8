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
