/** Reading scripts: what is wrong with one, wherever in its linked text it stands. */

import { Script } from "../../lib/redis/script.ts";
import { sharedPieces } from "../../lib/store/lua/link.ts";
import { texts } from "../../lib/store/replies.ts";
import type { Bench } from "./support.ts";

const FOLDER = new URL("../../lib/store/scripts/", import.meta.url);

/** Every script of the store, by the name that it is exported under, with the text of its module. */
export const SCRIPTS: readonly {
  readonly name: string;
  readonly script: Script;
  readonly source: string;
}[] = await findScripts();

async function findScripts(): Promise<typeof SCRIPTS> {
  const found = [];
  for await (const { name: file } of Deno.readDir(FOLDER)) {
    const url = new URL(file, FOLDER);
    const source = await Deno.readTextFile(url);
    const exported = Object.entries<unknown>(await import(url.href));
    for (const [name, script] of exported) {
      if (script instanceof Script) found.push({ name, script, source });
    }
  }
  return found;
}

/** What Redis gives to a script, and Lua's own words. */
const GIVEN = new Set(
  `ARGV KEYS cjson cmsgpack error ipairs math next pairs pcall redis select string table tonumber tostring type unpack
  and break do else elseif end false for function if in local nil not or repeat return then true until while`
    .split(/\s+/),
);

/** What link() puts around a rare function and the pieces that only it needs. */
const DEFERRED =
  /^local (\w+)\n\1 = function\(\.\.\.\) -- rare\n\1 = \(function\(\)\nreturn \1\nend\)\(\)\nreturn \1\(\.\.\.\)\nend\n/m;

/** A script's text in parts: the pieces that were linked, and its own. */
export function partsOf(
  lua: string,
  pieces: ReadonlyMap<string, string> = sharedPieces(),
): { readonly linked: string[]; readonly own: string } {
  const linked: string[] = [];
  let own = lua;
  for (const piece of new Set(pieces.values())) {
    if (!own.includes(`${piece}\n`)) continue;
    own = own.replaceAll(`${piece}\n`, () => "");
    linked.push(piece);
  }
  // from the inside: a rare function may have others in it
  while (DEFERRED.test(own)) own = own.replace(DEFERRED, "");
  return { linked, own };
}

/** Lines of Lua that are no comments and not empty. */
export function linesOf(lua: string): number {
  return lua.split("\n").filter((line) => !/^\s*(--.*)?$/.test(line)).length;
}

/** Names in a script that nobody defines, and its own that hide a piece. */
export function wrongNames(
  lua: string,
  pieces: ReadonlyMap<string, string> = sharedPieces(),
): string[] {
  const { linked, own } = partsOf(lua, pieces);
  return [...linked, own].flatMap((part) => {
    const code = part.replaceAll(
      /--.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\.\./g,
      " ",
    );
    const defined = new Set(definedIn(code));
    const used = code.matchAll(/(?<![\w.:])[A-Za-z_]\w*/g);
    const unknown = [...used].map(([name]) => name).filter((name) =>
      !defined.has(name) && !GIVEN.has(name) && !isMember(code, name) &&
      !linked.some((piece) => piece === pieces.get(name))
    );
    const hiding = [...defined].filter((name) =>
      pieces.has(name) && pieces.get(name) !== part
    );
    return [...new Set([...unknown, ...hiding])];
  });
}

/** Whether a name is only ever that of a member of a table: `{name = …}`. */
function isMember(code: string, name: string): boolean {
  return !new RegExp(`(?<![\\w.])${name}\\b(?!\\s*=(?!=))`).test(code);
}

function definedIn(code: string): string[] {
  const lists = [
    ...code.matchAll(/\blocal (?!function)([\w, ]+)/g),
    ...code.matchAll(/\blocal function (\w+)/g),
    ...code.matchAll(/\bfunction \w*\(([^)]*)\)/g),
    ...code.matchAll(/\bfor ([\w, ]+?)(?: in|\s*=)/g),
  ];
  return lists.flatMap(([, names]) => names!.split(",").map((n) => n.trim()));
}

/** The numbers by which a script takes its keys or arguments. */
export function used(lua: string, array: "KEYS" | "ARGV"): number[] {
  const found = lua.matchAll(new RegExp(`${array}\\[(\\d+)\\]`, "g"));
  return [...new Set([...found].map(([, number]) => Number(number)))];
}

/** What no script may do: a list of what it does all the same. */
export async function faults(bench: Bench, lua: string): Promise<string[]> {
  const found = [
    /['"]rq:/,
    /\bos\.(time|date|clock)/,
    /math\.random/,
    /error_reply/,
    /loadstring/,
  ].filter((wrong) => wrong.test(lua)).map(String);
  const forbidden = new Set(["scan", "randomkey"]);
  for (const category of ["dangerous", "scripting", "connection"]) {
    const names = texts(await bench.send("ACL", "CAT", category));
    for (const name of names) forbidden.add(name);
  }
  forbidden.delete("restore"); // to a key of a job, to save memory
  for (const [, word] of lua.matchAll(/['"]([A-Za-z]+)['"]/g)) {
    if (forbidden.has(word!.toLowerCase())) found.push(word!);
  }
  return found;
}
