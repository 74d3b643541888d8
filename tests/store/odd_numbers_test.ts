/** An argument of a script that should be a number and is none, or one that Redis does not take, costs no job its place. */

import { assert, assertEquals } from "@std/assert";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import {
  type JobState,
  lostExecution,
  setScene,
  stateOf,
  STATES,
} from "./job_states.ts";
import { TRANSITIONS } from "./job_transitions.ts";
import { LIMIT_TRANSITIONS } from "./limit_transitions.ts";
import { TURN_TRANSITIONS } from "./turn_transitions.ts";
import { Bench, sendingBy } from "./support.ts";
import { WINDOW_TRANSITIONS } from "./window_transitions.ts";

const ALL = {
  ...TRANSITIONS,
  ...LIMIT_TRANSITIONS,
  ...WINDOW_TRANSITIONS,
  ...TURN_TRANSITIONS,
};
const ODD = ["1e400", "-1e400", "x"];
const BEFORE = Object.keys(STATES) as JobState[];

/** One argument to be replaced: the nth of those that look like numbers. */
interface Spoiled {
  readonly n: number;
  readonly value: string;
  /** Which one it was, after the call; else there is none. */
  found?: string;
}

function spoiling(client: RedisClient, spoiled: Spoiled): RedisClient {
  return sendingBy(client, (command, args = [], options) => {
    if (options?.source === undefined) {
      return client.send(command, args, options);
    }
    const prefix = 2 + Number(args[1]); // behind the hash, the number of keys, and the keys
    let n = 0;
    const changed = args.map((arg, i) => {
      if (i <= prefix || !/^-?\d+(\.\d+)?$/.test(`${arg}`)) return arg;
      if (n++ !== spoiled.n) return arg;
      spoiled.found = `ARGV[${i - prefix + 1}] = ${spoiled.value}`;
      return spoiled.value;
    });
    return client.send(command, changed, options);
  });
}

/** Tries it; gives what became of a job that is not in one place any more. A script may refuse the number. */
async function loss(
  bench: Bench,
  name: string,
  before: JobState,
  spoiled: Spoiled,
): Promise<string | null> {
  const { prepare, run } = ALL[name]!;
  const scene = await setScene(bench, spoiling(bench.client, spoiled));
  const { jobs, workers, sweeps } = bench;
  const made = await STATES[before].make({ ...scene, jobs, workers, sweeps });
  const execution = made ?? lostExecution();
  await prepare?.({ ...scene, execution, jobs, workers, sweeps });
  const prepared = await stateOf(bench);
  delete spoiled.found;
  await run({ ...scene, execution }).catch(() => {});
  const after = (await stateOf(bench)).replace(/\+(slot|turn)/, "");
  const wrong = prepared.includes("+") ? /@/ : /[@+]/;
  return wrong.test(after) && !prepared.includes("@") &&
      spoiled.found !== undefined
    ? `${spoiled.found}: ${prepared} → ${after}`
    : null;
}

for (const name of Object.keys(ALL)) {
  Deno.test(`${name}: odd numbers among the arguments cost no job its place`, async () => {
    await using bench = await Bench.open();
    const losses: string[] = [];
    for (const before of BEFORE) {
      for (const value of ODD) {
        for (let n = 0;; n++) {
          const spoiled: Spoiled = { n, value };
          const lost = await loss(bench, name, before, spoiled);
          if (lost !== null) losses.push(lost);
          if (spoiled.found === undefined) break;
        }
      }
    }
    assertEquals(losses, []);
  });
}

Deno.test("arguments are found that look like numbers", async () => {
  await using bench = await Bench.open();
  const spoiled: Spoiled = { n: 0, value: "1e400" };
  await loss(bench, "claim", "queued", spoiled);
  assert(spoiled.found !== undefined);
});
