/**
 * Enforces a memory limit on subprocesses and everything that they start.
 *
 * @module
 */

import { listProcesses, type ProcessEntry } from "./process_table.ts";

/** A process to watch. */
export interface Watched {
  /** Its process id, and that of its group and session. */
  readonly pid: number;
  /** Called when it exceeds the limit. */
  exceedMemory(): void;
}

/** Milliseconds between two measurements. */
const LOOK_MS = 100;
/** The pause after a measurement is at least this many times as long as the measurement. */
const REST = 20;

/**
 * Measures the memory of subprocesses while there are any. V8's own limit covers only its heap, but not buffers,
 * WebAssembly, and programs that a job starts.
 *
 * Rejected: `ulimit -v`, since V8 reserves many times the address space that it uses; control groups,
 * which most containers may not create.
 */
export class MemoryWatch {
  readonly #limit: number;
  readonly #onWarning: (message: string) => void;
  readonly #watched = new Map<number, Watched>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLooking = false;
  #hasWarned = false;

  /**
   * Watches nothing yet.
   *
   * @param limit The limit of each, in bytes.
   * @param onWarning Called with a sentence if memory cannot be measured.
   */
  constructor(limit: number, onWarning: (message: string) => void) {
    this.#limit = limit;
    this.#onWarning = onWarning;
  }

  /** Watches a subprocess until it is removed. */
  add(watched: Watched): void {
    this.#watched.set(watched.pid, watched);
    if (!this.#isLooking) this.#timer ??= this.#lookIn(LOOK_MS);
  }

  /** Stops watching a subprocess, which has ended. */
  remove({ pid }: Watched): void {
    this.#watched.delete(pid);
    if (this.#watched.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookIn(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    this.#timer = undefined;
    this.#isLooking = true;
    const begun = performance.now();
    try {
      const used = memoryOf(this.#watched, await listProcesses());
      for (const [pid, bytes] of used) {
        if (bytes > this.#limit) this.#watched.get(pid)?.exceedMemory();
      }
    } catch (error) {
      this.#warn(error);
    }
    this.#isLooking = false;
    if (this.#watched.size === 0) return;
    const took = performance.now() - begun;
    this.#timer = this.#lookIn(Math.max(LOOK_MS, took * REST));
  }

  #warn(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const state = error instanceof Error ? error.message : String(error);
    this.#onWarning(
      `Cannot limit the memory of jobs beyond that of JavaScript objects: ${state}`,
    );
  }
}

/**
 * The bytes used by each subprocess and everything that it has started: the processes in its session, and all
 * descendants of these.
 */
export function memoryOf(
  leaders: { has(pid: number): boolean },
  entries: readonly ProcessEntry[],
): Map<number, number> {
  const byPid = new Map(entries.map((entry) => [entry.pid, entry]));
  const used = new Map<number, number>();
  for (const entry of entries) {
    const leader = leaderOf(entry, leaders, byPid);
    if (leader === undefined) continue;
    used.set(leader, (used.get(leader) ?? 0) + entry.memory);
  }
  return used;
}

function leaderOf(
  entry: ProcessEntry,
  leaders: { has(pid: number): boolean },
  byPid: ReadonlyMap<number, ProcessEntry>,
): number | undefined {
  const seen = new Set<number>();
  let at: ProcessEntry | undefined = entry;
  while (at !== undefined && !seen.has(at.pid)) {
    if (leaders.has(at.pid)) return at.pid;
    if (leaders.has(at.session)) return at.session;
    seen.add(at.pid);
    at = byPid.get(at.parent);
  }
  return undefined;
}
