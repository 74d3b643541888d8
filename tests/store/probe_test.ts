import { assert, assertEquals } from "@std/assert";
import { PROBED } from "../../lib/store/scripts/probe.ts";

/** The text of everything in the store that holds Lua. */
async function storeText(): Promise<string> {
  const folder = new URL("../../lib/store/", import.meta.url);
  const texts: string[] = [];
  const read = async (url: URL) => {
    for await (const { name, isDirectory } of Deno.readDir(url)) {
      if (isDirectory) await read(new URL(`${name}/`, url));
      else texts.push(await Deno.readTextFile(new URL(name, url)));
    }
  };
  await read(folder);
  return texts.join("\n");
}

Deno.test("every command that a script calls is tried at a worker's start", async () => {
  const called = new Set<string>();
  for (
    const [call] of (await storeText()).matchAll(
      /redis\.p?call\((?:[^',()]*'[A-Za-z]+')+/g,
    )
  ) {
    for (const [, name] of call.matchAll(/'([A-Z]{3,})'/g)) called.add(name!);
  }
  assert(called.size > 30, `only ${[...called]}`);
  assertEquals([...called].filter((name) => !PROBED.includes(name)), []);
});
