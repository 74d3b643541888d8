import { assert, assertEquals } from "@std/assert";
import { Script } from "../../lib/redis/script.ts";
import { withPrelude } from "../../lib/store/scripts/prelude.ts";
import { texts } from "../../lib/store/job_store.ts";
import { Bench } from "./support.ts";

/** A script with what its comment declares. */
interface Declared {
  readonly name: string;
  readonly script: Script;
  readonly keys: Declaration;
  readonly args: Declaration;
  readonly reply: string;
}

interface Declaration {
  readonly numbers: readonly number[];
  /** Whether more follow, as many as there are. */
  readonly open: boolean;
}

const FOLDER = new URL("../../lib/store/scripts/", import.meta.url);
const SCRIPTS: [string, Declared][] = [];
for (const { name: file } of Deno.readDirSync(FOLDER)) {
  const url = new URL(file, FOLDER);
  const source = await Deno.readTextFile(url);
  for (const [name, script] of Object.entries(await import(url.href))) {
    if (script instanceof Script) {
      SCRIPTS.push([name, declared(source, name, script)]);
    }
  }
}

function declared(source: string, name: string, script: Script): Declared {
  const at = source.indexOf(`export const ${name}: Script`);
  const comment = source.slice(source.lastIndexOf("/**", at), at);
  const [, keys = "", args = "", reply = ""] =
    /KEYS([\s\S]*?)\n \* ARGV([\s\S]*?)\n \* reply([\s\S]*?)```/.exec(
      comment,
    ) ?? [];
  return {
    name,
    script,
    keys: declaration(keys),
    args: declaration(args),
    reply,
  };
}

/** `1 key prefix   2 job id   6 number n   7 … 6+n their ids   then …` */
function declaration(text: string): Declaration {
  const numbers = text.matchAll(/(?:^|\s{2,}|\n \*\s+)(\d+)(?= )/g);
  return {
    numbers: [...numbers].map(([, number]) => Number(number)),
    open: /\bthen\b|…/.test(text),
  };
}

function used(body: string, array: "KEYS" | "ARGV"): number[] {
  const found = body.matchAll(new RegExp(`${array}\\[(\\d+)\\]`, "g"));
  return [...new Set([...found].map(([, number]) => Number(number)))];
}

Deno.test("there are scripts, and no two have one name", () => {
  assert(SCRIPTS.length >= 18, `${SCRIPTS.length}`);
  const names = SCRIPTS.map(([, { script }]) => script.name);
  assertEquals(names.length, new Set(names).size);
  for (const [name, { script }] of SCRIPTS) {
    assertEquals(script.name, name.toLowerCase());
  }
});

Deno.test.each(SCRIPTS)(
  "%s loads, under the hash that it is sent by",
  async (_name, { script }) => {
    await using bench = await Bench.open();
    assertEquals(await bench.send("SCRIPT", "LOAD", script.lua), script.sha);
  },
);

Deno.test.each(SCRIPTS)(
  "%s declares its KEYS, ARGV and reply, from 1 on without a gap",
  (_name, { keys, args, reply }) => {
    assert(reply !== "", "it declares no reply");
    assertEquals(keys.numbers, keys.numbers.map((_, i) => i + 1));
    assertEquals(args.numbers, args.numbers.map((_, i) => i + 1));
  },
);

Deno.test.each(SCRIPTS)(
  "%s uses the KEYS that it declares, and no others",
  (_name, { script: { lua }, keys }) => {
    const uses = used(lua, "KEYS");
    for (const number of uses) {
      assert(
        keys.numbers.includes(number),
        `${number}`,
      );
    }
    const loops = /[#(]KEYS\b|KEYS\[[^\]]*[a-z]/.test(lua);
    assertEquals(loops, keys.open, "a list of any length is declared, or not");
    for (const number of keys.numbers) {
      assert(loops || uses.includes(number), `KEYS[${number}] is never used`);
    }
  },
);

Deno.test.each(SCRIPTS)(
  "%s uses the ARGV that it declares, and no others",
  (_name, { script: { lua }, args }) => {
    const uses = used(lua, "ARGV");
    for (const number of uses) {
      assert(args.numbers.includes(number), `${number} is not declared`);
    }
    const last = Math.max(...args.numbers);
    const loops = /#ARGV|[^.]unpack\(ARGV|ARGV\[[^\d]/.test(lua);
    assertEquals(loops, args.open, "a list of any length is declared, or not");
    for (const number of args.numbers) {
      const fine = number === 1 || uses.includes(number) ||
        (loops && number === last);
      // The name of the worker or the queue is passed to each, for those who read MONITOR.
      assert(fine || number <= 3, `ARGV[${number}] is never used`);
    }
  },
);

/** What no script may do, in whatever piece of it: a list of what it does all the same. */
async function faults(bench: Bench, lua: string): Promise<string[]> {
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

Deno.test.each(SCRIPTS)(
  "%s names no key itself, takes no time but the server's, and calls nothing that looks at all keys or at the server",
  async (_name, { script }) => {
    await using bench = await Bench.open();
    assertEquals(await faults(bench, script.lua), []);
  },
);

Deno.test.each([
  ["redis.call('FLUSHALL')"],
  ["redis.pcall('flushdb')"],
  ["local all = redis.call('KEYS', '*')"],
  ["redis.call('SCAN', 0)"],
  ["local key = 'rq:sneaky'"],
  ["local now = os.time()"],
])("%s in a piece that scripts share is found", async (piece) => {
  await using bench = await Bench.open();
  const { lua } = new Script("sneaky", withPrelude([piece], "return 1"));
  assertEquals((await faults(bench, lua)).length, 1);
  assertEquals(used("ARGV[99] or KEYS[7]", "ARGV"), [99]);
});

Deno.test("scripts run by their hash after SCRIPT FLUSH too", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.send("SCRIPT", "FLUSH");
  await bench.add("b");
  const worker = await bench.worker();
  assertEquals(await bench.run(worker), "a");
});
