import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkStart } from "../../lib/runner/check_start.ts";
import { childPermissions } from "../../lib/runner/permissions.ts";
import type { ProcessesOptions } from "../../lib/runner/processes.ts";

async function check(
  options: Partial<ProcessesOptions>,
  signal: AbortSignal = new AbortController().signal,
): Promise<string | undefined> {
  const permissions = await childPermissions(["-A"]);
  return await checkStart({ paths: [], permissions, ...options }, signal);
}

Deno.test.each<{ what: string; options: Partial<ProcessesOptions> }>([
  { what: "another deno", options: { execPath: Deno.execPath() } },
  { what: "further arguments", options: { denoArgs: ["--unstable-kv"] } },
  {
    what: "another main module",
    options: { childUrl: import.meta.resolve("./fixtures/own_child.ts") },
  },
])("checkStart() finds nothing amiss with $what", async ({ options }) => {
  assertEquals(await check(options), undefined);
});

Deno.test.each<
  { what: string; options: Partial<ProcessesOptions>; said: string }
>([
  {
    what: "a deno that is not there",
    options: { execPath: "/nowhere/deno" },
    said: "/nowhere/deno",
  },
  {
    what: "a program that is no deno",
    options: { execPath: "/bin/true" },
    said: "ended with exit code 0 before it was ready",
  },
  {
    what: "an argument that deno does not know",
    options: { denoArgs: ["--no-such-flag"] },
    said: "unexpected argument '--no-such-flag' found",
  },
  {
    what: "an import map that is not there",
    options: { denoArgs: ["--import-map=/nowhere.json"] },
    said: "nowhere.json",
  },
  {
    what: "a main module that is not there",
    options: { childUrl: "file:///nowhere/child.ts" },
    said: "nowhere/child.ts",
  },
  {
    what: "one that does not become ready",
    options: {
      childUrl: "data:text/javascript,setTimeout(() => {}, 60_000)",
      bootTimeout: 200,
    },
    said: "was not ready after 0.2 seconds",
  },
])("checkStart() tells of $what", async ({ options, said }) => {
  const why = await check(options);
  assertStringIncludes(why ?? "nothing", "Cannot start the job's subprocess: ");
  assertStringIncludes(why!, said);
});

Deno.test("checkStart() ends when its signal fires", async () => {
  const childUrl = "data:text/javascript,setTimeout(() => {}, 60_000)";
  assertEquals(await check({ childUrl }, AbortSignal.abort()), undefined);
});
