import { assert, assertEquals } from "@std/assert";
import { Script } from "../../lib/redis/script.ts";
import * as change from "../../lib/store/scripts/change.ts";
import * as claim from "../../lib/store/scripts/claim.ts";
import * as enqueue from "../../lib/store/scripts/enqueue.ts";
import * as finish from "../../lib/store/scripts/finish.ts";
import * as registries from "../../lib/store/scripts/registries.ts";
import * as sweep from "../../lib/store/scripts/sweep.ts";
import * as worker from "../../lib/store/scripts/worker.ts";
import { Bench } from "./support.ts";

const FILES: Record<string, object> = {
  change,
  claim,
  enqueue,
  finish,
  registries,
  sweep,
  worker,
};

/** A script with what its comment declares. */
interface Declared {
  readonly name: string;
  readonly script: Script;
  /** The script's own text, without the prelude. */
  readonly body: string;
  readonly keys: Declaration;
  readonly args: Declaration;
  readonly reply: string;
}

interface Declaration {
  readonly numbers: readonly number[];
  /** Whether more follow, as many as there are. */
  readonly open: boolean;
}

const SCRIPTS: [string, Declared][] = [];
for (const [file, exports] of Object.entries(FILES)) {
  const url = new URL(`../../lib/store/scripts/${file}.ts`, import.meta.url);
  const source = await Deno.readTextFile(url);
  for (const [name, script] of Object.entries(exports)) {
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
  const text = source.slice(at);
  return {
    name,
    script,
    body: text.slice(text.indexOf("`"), text.indexOf("\n);")),
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
  (_name, { body, keys }) => {
    const uses = used(body, "KEYS");
    for (const number of uses) {
      assert(
        keys.numbers.includes(number),
        `${number}`,
      );
    }
    // RELEASE is given its key for the Cluster's sake and names it in release().
    const loops = /KEYS\[[^\d]/.test(body) || body.includes("return release(");
    for (const number of keys.numbers) {
      assert(loops || uses.includes(number), `KEYS[${number}] is never used`);
    }
  },
);

Deno.test.each(SCRIPTS)(
  "%s uses the ARGV that it declares, and no others",
  (_name, { body, args }) => {
    const uses = used(body, "ARGV");
    for (const number of uses) {
      assert(args.numbers.includes(number), `${number} is not declared`);
    }
    const last = Math.max(...args.numbers);
    const loops = /#ARGV|[^.]unpack\(ARGV|ARGV\[[^\d]/.test(body);
    assertEquals(loops, args.open, "a list of any length is declared, or not");
    for (const number of args.numbers) {
      const fine = number === 1 || uses.includes(number) ||
        (loops && number === last);
      // The name of the worker or the queue is passed to each, for those who read MONITOR.
      assert(fine || number <= 3, `ARGV[${number}] is never used`);
    }
  },
);

Deno.test.each(SCRIPTS)(
  "%s names no key itself, takes no time but the server's, and never lists all keys",
  (_name, { body }) => {
    for (
      const wrong of [
        /['"]rq:/,
        /os\.(time|date|clock)/,
        /math\.random/,
        /'KEYS'/,
        /'SCAN'/,
        /'FLUSH/,
        /error_reply/,
      ]
    ) {
      assert(!wrong.test(body), `${wrong}`);
    }
  },
);

Deno.test("scripts run by their hash after SCRIPT FLUSH too", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.send("SCRIPT", "FLUSH");
  await bench.add("b");
  const worker = await bench.worker();
  assertEquals(await bench.run(worker), "a");
});
