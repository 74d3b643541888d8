/**
 * Links scripts. Redis' Lua has no modules, so shared code is kept in pieces. A script gets the pieces that it mentions,
 * and those that these mention, each once and before its first user. It gets no others, since creating a function costs
 * a call about as much as using it.
 *
 * A piece is a paragraph of one of the texts below: a comment, then what it defines with `local`, up to a blank line.
 * Behind the first line of a function that few calls of a script need, `-- rare` keeps what it needs out of the others: the
 * pieces that only it mentions are created when it is called.
 *
 * A mention is its name outside comments and strings, unless it is a member (`x.name`) or is assigned (`name =`).
 *
 * @module
 */

import { Script } from "../../redis/script.ts";
import { HOOKS_LUA } from "../hooks/hooks.ts";
import { KEYS_LUA, spellKeys } from "../keys.ts";
import { PLACES_LUA } from "../places.ts";
import { CONFLICTS_LUA } from "./conflicts.ts";
import { EDGES_LUA } from "./edges.ts";
import { ENDING_LUA } from "./ending.ts";
import { EVENTS_LUA } from "./events.ts";
import { GROUPS_LUA } from "./groups.ts";
import { JOB_LOGS_LUA } from "./job_logs.ts";
import { JOBS_LUA } from "./jobs.ts";
import { LEASES_LUA } from "./leases.ts";
import { LIMITS_LUA } from "./limits.ts";
import { MOVES_LUA } from "./moves.ts";
import { NEW_JOBS_LUA } from "./new_jobs.ts";
import { PARENT_FAILURE_LUA } from "./parent_failure.ts";
import { PAUSES_LUA } from "./pauses.ts";
import { REQUEUEING_LUA } from "./requeueing.ts";
import { RESULTS_LUA } from "./results.ts";
import { RETRIES_LUA } from "./retries.ts";
import { SCHEDULES_LUA } from "./schedules.ts";
import { STARTING_LUA } from "./starting.ts";
import { STEPS_LUA } from "./steps.ts";
import { STOPS_LUA } from "./stops.ts";
import { TIME_LUA } from "./time.ts";
import { UNIQUE_LUA } from "./unique.ts";
import { TURNS_LUA } from "./turns.ts";
import { WINDOWS_LUA } from "./windows.ts";
import { WORKER_LUA } from "./worker.ts";

/** A piece that is a function, and one that is rarely called. */
const FUNCTION = /^local function /;
const RARE = /^local function .* -- rare$/m;

/** Matches names that may be mentions in the last alternative; the other alternatives skip everything else. */
const WORDS =
  /--.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\.\.|\d\w*|[.:]\s*\w+|([A-Za-z_]\w*)(?!\w|\s*=(?!=))/g;

/** The definition in a paragraph: one function, or some values. */
const DEFINED = /^local (?:function )?(\w+(?:, \w+)*)/m;

/** The pieces in texts, without their comments, by the names that they define. */
export function piecesOf(texts: readonly string[]): Map<string, string> {
  const pieces = new Map<string, string>();
  for (const paragraph of texts.flatMap((text) => text.split(/\n{2,}/))) {
    const defined = DEFINED.exec(paragraph);
    if (defined === null) continue;
    for (const name of defined[1]!.split(", ")) {
      if (pieces.has(name)) throw new Error(`Lua piece "${name}" exists twice`);
      pieces.set(name, paragraph.slice(defined.index).trimEnd());
    }
  }
  return pieces;
}

let shared: ReadonlyMap<string, string> | undefined;

/** All shared pieces; parsed when the first script is linked. */
export function sharedPieces(): ReadonlyMap<string, string> {
  return shared ??= piecesOf([
    KEYS_LUA,
    TIME_LUA,
    JOBS_LUA,
    PLACES_LUA,
    EVENTS_LUA,
    MOVES_LUA,
    LIMITS_LUA,
    TURNS_LUA,
    WINDOWS_LUA,
    CONFLICTS_LUA,
    GROUPS_LUA,
    LEASES_LUA,
    STARTING_LUA,
    PAUSES_LUA,
    RESULTS_LUA,
    JOB_LOGS_LUA,
    EDGES_LUA,
    PARENT_FAILURE_LUA,
    ENDING_LUA,
    STEPS_LUA,
    STOPS_LUA,
    RETRIES_LUA,
    REQUEUEING_LUA,
    WORKER_LUA,
    NEW_JOBS_LUA,
    UNIQUE_LUA,
    SCHEDULES_LUA,
    ...HOOKS_LUA,
  ].map(spellKeys));
}

/** The names that a text mentions. Cached: finding them takes long, and scripts share most texts. */
function mentionsOf(text: string): ReadonlySet<string | undefined> {
  let found = mentions.get(text);
  if (found === undefined) {
    found = new Set(Array.from(text.matchAll(WORDS), ([, name]) => name));
    mentions.set(text, found);
  }
  return found;
}

const mentions = new Map<string, ReadonlySet<string | undefined>>();

/** The pieces that a text needs, without those that only rare functions need. */
function neededBy(
  text: string,
  pieces: ReadonlyMap<string, string>,
  found: Set<string> = new Set(),
): ReadonlySet<string> {
  for (const name of mentionsOf(text)) {
    const piece = name === undefined ? undefined : pieces.get(name);
    if (piece === undefined || found.has(piece)) continue;
    found.add(piece);
    if (!RARE.test(piece)) neededBy(piece, pieces, found);
  }
  return found;
}

/** What has been linked, each piece once. */
type Linked = Map<string, string>;

/**
 * A script's text, preceded by the pieces that it needs.
 *
 * @throws {Error} If pieces mention one another in a cycle.
 */
export function link(
  body: string,
  pieces: ReadonlyMap<string, string> = sharedPieces(),
): string {
  const spelled = spellKeys(body);
  const needed = neededBy(spelled, pieces);
  const open: string[] = [];
  const top: Linked = new Map();
  const add = (text: string, level: Linked) => {
    for (const name of mentionsOf(text)) {
      const piece = name === undefined ? undefined : pieces.get(name);
      if (name === undefined || piece === undefined || piece === text) continue;
      if (level.has(piece) || top.has(piece)) continue;
      if (open.includes(piece)) {
        throw new Error(`Lua piece "${name}" needs itself, by way of others`);
      }
      open.push(piece);
      // Inside a rare function is what only that needs; but there is one of each value, since some of them change.
      const isRare = RARE.test(piece);
      const isTop = needed.has(piece) || isRare || !FUNCTION.test(piece);
      const here = isTop ? top : level;
      const inner: Linked = new Map();
      add(piece, isRare ? inner : here);
      const texts = [...inner.values(), piece];
      here.set(piece, isRare ? deferred(name, texts) : piece);
      open.pop();
    }
  };
  add(spelled, top);
  return [...top.values(), spelled].join("\n");
}

/**
 * A function that creates a rare one and what only that needs, puts it in its own place, and calls it: a script that calls
 * it for each of many jobs creates it once.
 */
function deferred(name: string, texts: readonly string[]): string {
  return `local ${name}
${name} = function(...) -- rare
${name} = (function()
${texts.join("\n")}
return ${name}
end)()
return ${name}(...)
end`;
}

/** A script with the pieces that it needs. It is linked when it is first used. */
export function script(name: string, body: string): Script {
  return new Script(name, () => link(body));
}
