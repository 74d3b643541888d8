import { assert, assertEquals } from "@std/assert";
import type { Script } from "../../lib/redis/script.ts";
import { sharedPieces } from "../../lib/store/lua/link.ts";
import {
  faults,
  linesOf,
  partsOf,
  SCRIPTS as ALL,
  used,
  wrongNames,
} from "./lua.ts";
import { Bench } from "./support.ts";

const PIECES = sharedPieces();

/** Most lines of a script without the pieces that it shares, comments not counted. */
const MOST_LINES = 80;

/** A script with what its comment declares. */
interface Declared {
  readonly name: string;
  readonly script: Script;
  readonly keys: Declaration;
  readonly args: Declaration;
  readonly reply: string;
}

interface Declaration {
  readonly text: string;
  readonly numbers: readonly number[];
  /** Whether more follow, as many as there are. */
  readonly open: boolean;
}

const SCRIPTS: [string, Declared][] = ALL.map(
  ({ name, script, source }) => [name, declared(source, name, script)],
);

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
    text,
    numbers: [...numbers].map(([, number]) => Number(number)),
    open: /\bthen\b|…/.test(text),
  };
}

Deno.test("there are scripts, and no two have one name", () => {
  assert(SCRIPTS.length >= 28, `${SCRIPTS.length}`);
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
    const loops = /[#(]KEYS\b(?!\[)|KEYS\[[^\]]*[a-z]/.test(lua);
    assertEquals(loops, keys.open, "a list of any length is declared, or not");
    // The hash of the job that a script is about is passed to each; get_job() names it by the id.
    const own = /^\s*1 the job's hash/.test(keys.text) ? 1 : null;
    for (const number of keys.numbers) {
      const fine = loops || number === own || uses.includes(number);
      assert(fine, `KEYS[${number}] is never used`);
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

Deno.test.each(SCRIPTS)(
  "%s names no key itself, takes no time but the server's, and calls nothing that looks at all keys or at the server",
  async (_name, { script }) => {
    await using bench = await Bench.open();
    assertEquals(await faults(bench, script.lua), []);
  },
);

Deno.test.each(SCRIPTS)(
  "%s is short, and uses no name that nobody defines",
  (_name, { script: { lua } }) => {
    const lines = linesOf(partsOf(lua).own);
    assert(lines <= MOST_LINES, `it has ${lines} lines`);
    assertEquals(wrongNames(lua), []);
  },
);

/** Commands that put ids into places, in scripts of which each microsecond counts, or where there is none of a job's places. */
const OWN_MOVES: Readonly<Record<string, readonly string[]>> = {
  CLAIM: ["LPUSH", "ZADD"],
  CLEAN_TAGS: ["ZADD"], // the index of tags, which is no place
  ENQUEUE: ["LPUSH", "RPUSH"],
  HEARTBEAT: ["ZADD"], // the executions of a job
  HOLD_GROUP: ["ZADD"], // who adds members
  PROBE: ["LPUSH", "RPUSH", "ZADD"],
};
/** The verbs, and what keeps slots and starts of rate limits, and times to look at something. */
const MOVERS = [
  ...["push", "register"],
  ...["give_slots", "wait_for_slot", "send_back", "clean_slots"],
  ...["note_start", "plan_look", "look_later", "tag_job"],
  ...["next_turn", "wait_for_turn"],
  ...["set_slot", "note_run"], // of schedules, which are no jobs
  "look_again", // groups, not jobs
].map((name) => PIECES.get(name)!);

Deno.test.each(SCRIPTS)(
  "%s leaves it to the verbs to put ids into queues and registries",
  (name, { script: { lua } }) => {
    const { linked, own } = partsOf(lua);
    const others = linked.filter((piece) => !MOVERS.includes(piece));
    const moves = [...others, own].join("\n")
      .matchAll(/'(LPUSH|RPUSH|LINSERT|ZADD|LMOVE)'/g);
    const found = new Set([...moves].map(([, command]) => command!));
    assertEquals([...found].sort(), OWN_MOVES[name] ?? []);
  },
);

/** The pieces and scripts that move jobs, by name. */
const PARTS: readonly [string, string][] = [
  ...PIECES,
  ...SCRIPTS.map(([name, { script }]): [string, string] => [
    name,
    partsOf(script.lua).own,
  ]),
];

/** What admit() guards, and who may pass by it. */
const PAST_ADMIT: Readonly<Record<string, readonly string[]>> = {
  // jobs that are put back, admitted before; the end of admit(); jobs that have got their slots
  queued: ["SETTLE", "admit_at_once", "put_back", "queue_waiting"],
  scheduled: ["admit"], // nobody else tells the worker's timer
};

Deno.test.each(Object.entries(PAST_ADMIT))(
  "a job becomes %s by admit(), not by enter()",
  (status, allowed) => {
    const entering = new RegExp(
      `\\benter\\((?:\\{[^}]*\\}|[^,]*), '${status}'`,
    );
    const found = PARTS.filter(([, lua]) =>
      entering.test(lua) ||
      status === "queued" && lua.includes("enter_queue(to")
    );
    assertEquals(
      found.map(([name]) => name).sort(),
      allowed,
      `use admit(job, due, front, …): enter(job, '${status}', …) passes by the gates`,
    );
  },
);

/** SETTLE has it asked by outcome_of(), which depends on how the execution ended. */
const ASKS = /\b(can_enter|can_admit|can_push|outcome_of)\(/;

Deno.test.each(PARTS)(
  "%s asks whether a job can enter its next place, if it has it leave the last one",
  (_name, lua) => {
    const moves = /\bleave\(/.test(lua) && /\b(enter|admit)\(/.test(lua);
    assert(
      !moves || ASKS.test(lua),
      "call can_enter(job, status) or can_admit(job, due) before leave(job)",
    );
  },
);

Deno.test("every piece is a part of some script", () => {
  const dead = [...PIECES].filter(([, piece]) =>
    !SCRIPTS.some(([, { script }]) => script.lua.includes(piece))
  );
  assertEquals(dead.map(([name]) => name), []);
});

Deno.test("scripts run by their hash after SCRIPT FLUSH too", async () => {
  await using bench = await Bench.open();
  await bench.add("a");
  await bench.send("SCRIPT", "FLUSH");
  await bench.add("b");
  const worker = await bench.worker();
  assertEquals(await bench.run(worker), "a");
});
