/** Scripts spell the names of fields: each has to be declared, and each that is declared has to be in use. */

import { assert, assertEquals } from "@std/assert";
import { JOB_FIELDS } from "../../lib/job/fields.ts";
import { Script } from "../../lib/redis/script.ts";
import { STORE_FIELDS } from "../../lib/store/fields.ts";

const LIB = new URL("../../lib/", import.meta.url);
const SCRIPTS: [string, string][] = [];
for (const { name: file } of Deno.readDirSync(new URL("store/scripts/", LIB))) {
  const exported = await import(new URL(`store/scripts/${file}`, LIB).href);
  for (const [name, script] of Object.entries(exported)) {
    if (script instanceof Script) SCRIPTS.push([name, script.lua]);
  }
}

const TABLES = [JOB_FIELDS, ...STORE_FIELDS];
const DECLARED = new Set(TABLES.flatMap((table) => Object.keys(table)));

/** Which arguments of a command are names of fields, from the one after the key on. */
const NAMES: Readonly<Record<string, "first" | "all" | "every second">> = {
  HDEL: "all",
  HEXISTS: "first",
  HGET: "first",
  HINCRBY: "first",
  HINCRBYFLOAT: "first",
  HMGET: "all",
  HSET: "every second",
  HSETNX: "first",
  XADD: "every second",
};

/** The arguments of a call, from behind its bracket on. */
function argumentsAt(lua: string, from: number): string[] {
  const found: string[] = [];
  let depth = 0;
  for (let i = from, start = from; i < lua.length; i++) {
    const quoted = /^'[^']*'/.exec(lua.slice(i, i + 100));
    if (quoted !== null) i += quoted[0].length;
    const c = lua[i]!;
    const over = c === ")" && depth === 0;
    if (over || c === "," && depth === 0) {
      found.push(lua.slice(start, i).trim());
      start = i + 1;
    }
    if (over) break;
    if ("([{".includes(c)) depth++;
    if (")]}".includes(c)) depth--;
  }
  return found;
}

/** The names of fields that a script spells. */
function spelled(lua: string): Set<string> {
  const names = new Set<string>();
  const add = (arg: string | undefined) => {
    const name = /^'(.*)'$/.exec(arg ?? "")?.[1];
    if (name !== undefined) names.add(name);
  };
  for (const call of lua.matchAll(/redis\.p?call\(/g)) {
    const [command = "", _key, ...args] = argumentsAt(
      lua,
      call.index + call[0].length,
    );
    const which = NAMES[command.slice(1, -1)];
    if (which === undefined) continue;
    if (command === "'XADD'") args.splice(0, args.indexOf("'*'") + 1);
    const picked = args.filter((_, i) =>
      which === "all" || (which === "first" ? i === 0 : i % 2 === 0)
    );
    picked.forEach(add);
  }
  for (const [, arg] of lua.matchAll(/\bfield\([^()]*, ('\w+')\)/g)) add(arg);
  for (const [, arg] of lua.matchAll(/\b(?:name|field) == ('\w+')/g)) add(arg);
  for (const [arg] of lua.matchAll(/'x_\w+'/g)) add(arg);
  return names;
}

/** Names of ours that are no field but a key's. */
const KEYS: ReadonlySet<string> = new Set([
  "x_releasing",
  "x_ends",
  "x_events",
  "x_paused",
  "x_watched",
  "x_schedulers",
  "x_unique_keys",
  "x_schedules",
  "x_cron_files",
  "x_open_groups",
  "x_paused",
]);

Deno.test.each(SCRIPTS)("%s spells fields that are declared", (_, lua) => {
  const unknown = [...spelled(lua)].filter((name) =>
    !DECLARED.has(name) && !KEYS.has(name)
  );
  assertEquals(unknown, []);
});

Deno.test.each([
  ["redis.call('HSET', key, 'status', 'x', 'oops', 'y')"],
  ["redis.pcall('HMGET', job_key(id), 'status', 'oops')"],
  ["redis.call('HSET', f(a, 'b'), 'status', f(1, 2), 'oops', 1)"],
  ["redis.call('HDEL', KEYS[1], 'oops')"],
  ["local value = field(id, 'oops')"],
  ["redis.pcall('XADD', key, 'MAXLEN', '~', 10, '*', 'type', 2, 'oops', 1)"],
])("a name that is not declared is found in %s", (lua) => {
  const names = [...spelled(lua)].filter((name) => !DECLARED.has(name));
  assertEquals(names, ["oops"]);
});

async function sources(folder: URL): Promise<string[]> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) texts.push(...await sources(new URL(`${name}/`, folder)));
    else if (name !== "fields.ts") {
      texts.push(await Deno.readTextFile(new URL(name, folder)));
    }
  }
  return texts;
}

Deno.test("a field that is declared is in use, but for those that only RQ knows", async () => {
  const text = (await sources(LIB)).join("\n");
  for (const table of TABLES) {
    for (const [name, [, writers, readers]] of Object.entries(table)) {
      if (writers === "RQ" && readers === "RQ") continue;
      const use = new RegExp(`['"]${name}['"]|\\b${name}:`);
      assert(use.test(text), name);
    }
  }
});
