/**
 * What subprocesses have left running when they were killed.
 *
 * When a process ends, Linux gives its children to the nearest of its ancestors that adopts orphans: a service manager,
 * or the init process of the container. Both are ancestors of the worker too, or process 1. So whatever is still there
 * of an ended subprocess is, or descends from, a child of one of these few processes.
 *
 * Rejected: asking each subprocess for its children before it is killed. Whoever has looked into `/proc/PID` makes the
 * kernel clear its cache of that directory when the process is reaped: 1 ms for each job, and 20 to 40 ms while others walk
 * through `/proc`.
 *
 * @module
 */

import { parentOf } from "./process_table.ts";

/** What the name of the environment variable begins with that marks all that a subprocess starts. */
export const MARK_PREFIX = "DENO_RQ_PROCESS_";

/** The process that adopts orphans where no other ancestor does. */
const INIT = 1;

/** How long a program may take to be started, in milliseconds; what has no environment for longer shows none. */
const STARTING_MS = 10_000;

/** Looks for processes that have lost their parent. */
export class Orphans {
  readonly #adopters: readonly number[] | undefined;
  /** The marks of each orphan, read once: most are no business of ours. */
  #marks = new Map<number, readonly string[]>();
  /** What has no environment, and since when: a program that is just being started, or one that has none to show. */
  #empty = new Map<number, number>();

  /**
   * Looks at nothing yet.
   *
   * @param adopters the processes that adopt orphans. @default process 1 and all ancestors of this process
   */
  constructor(adopters: readonly number[] | undefined = findAdopters()) {
    this.#adopters = adopters;
  }

  /** The marks of all orphans that live; `undefined` if that cannot be told here. */
  marks(): Set<string> | undefined {
    const pids = this.#list();
    if (pids === undefined) return undefined;
    const marks = new Map<number, readonly string[]>();
    const empty = new Map<number, number>();
    const now = performance.now();
    for (const pid of pids) {
      const known = this.#marks.get(pid);
      const environment = known === undefined ? readEnvironment(pid) : "";
      const since = this.#empty.get(pid) ?? now;
      if (known !== undefined) marks.set(pid, known);
      else if (environment !== "" || now - since > STARTING_MS) {
        marks.set(pid, marksIn(environment));
      } else empty.set(pid, since);
    }
    this.#marks = marks;
    this.#empty = empty;
    return new Set([...marks.values()].flat());
  }

  #list(): number[] | undefined {
    if (this.#adopters === undefined) return undefined;
    const pids: number[] = [];
    for (const adopter of this.#adopters) {
      const list = read(`/proc/${adopter}/task/${adopter}/children`);
      if (list !== undefined) pids.push(...list.split(" ").map(Number));
      else if (adopter === INIT) return undefined;
    }
    return pids.filter((pid) => pid > 0);
  }
}

/** None if one of them is hidden from this process. */
function findAdopters(): number[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const adopters = new Set([INIT]);
  for (let pid: number | undefined = Deno.ppid; pid !== 0;) {
    if (pid === undefined) return undefined;
    adopters.add(pid);
    pid = parentOf(pid);
  }
  return [...adopters];
}

/** Empty also where it cannot be read: what belongs to another user was not started by a job, or cannot be killed. */
function readEnvironment(pid: number): string {
  return read(`/proc/${pid}/environ`) ?? "";
}

function marksIn(environment: string): string[] {
  return environment.split("\0")
    .filter((entry) => entry.startsWith(MARK_PREFIX))
    .map((entry) => entry.slice(MARK_PREFIX.length).split("=", 1)[0]!);
}

/** Nothing if there is no such process any more, or it may not be looked at. */
function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
