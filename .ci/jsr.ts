/**
 * Where the packages of `deno.json` come from: JSR, or the stand-ins in `npm/` on a
 * network with only the npm registry.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import { captureDeno, say } from "./deno.ts";

/** The import map of the stand-ins, relative to the project. */
export const STAND_INS = ".ci/npm/import_map.json";

/** A registry that has not answered by then counts as out of reach. */
const PATIENCE = 30_000;

/** The flags with which Deno finds the project's imports; says so where they are not empty. */
export async function importFlags(): Promise<string[]> {
  if (await resolves(anyJsrSpecifier())) return [];
  say(`JSR cannot be reached: ${STAND_INS} stands in for its packages`);
  return [`--import-map=${STAND_INS}`];
}

/** Whether Deno can load a specifier, from its cache or from wherever it is told to look. */
export async function resolves(specifier: string): Promise<boolean> {
  const { success, stdout } = await captureDeno(
    ["info", "--json", "--no-lock", specifier],
    { signal: AbortSignal.timeout(PATIENCE) },
  );
  if (!success) return false;
  const graph = JSON.parse(stdout) as { modules?: { error?: string }[] };
  return (graph.modules ?? []).every(({ error }) => error === undefined);
}

function anyJsrSpecifier(): string {
  const specifiers: string[] = Object.values(config.imports);
  const found = specifiers.find((specifier) => specifier.startsWith("jsr:"));
  if (found === undefined) {
    throw new Error("Cannot look for JSR: deno.json imports nothing from it");
  }
  return found;
}
