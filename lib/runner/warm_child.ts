/**
 * The subprocess that waits for the next job.
 *
 * @module
 */

import type { Launch } from "./launch.ts";
import type { Subprocess } from "./subprocess.ts";

/** Milliseconds of the first pause after a failed start, doubled each time. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 30_000;

/** Holds at most one subprocess, started ahead of time. */
export class WarmChild {
  readonly #spawn: (launch: Launch) => Subprocess;
  readonly #closing = new Set<Promise<void>>();
  #held: { readonly key: string; readonly child: Subprocess } | undefined;
  #preparing: Promise<void> | undefined;
  #failures = 0;
  #notBefore = 0;
  #closed = false;

  /** @param spawn starts a subprocess */
  constructor(spawn: (launch: Launch) => Subprocess) {
    this.#spawn = spawn;
  }

  /** Starts a subprocess if none is held, unless the last ones failed a moment ago. Never throws. */
  prepare(plan: () => Promise<Launch | undefined>): void {
    if (this.#held?.child.status !== undefined) this.#discard();
    if (this.#held !== undefined || this.#preparing !== undefined) return;
    if (performance.now() < this.#notBefore) return;
    this.#preparing = this.#prepare(plan)
      // What is wrong shows when the next job is run.
      .catch(() => this.failed())
      .finally(() => this.#preparing = undefined);
  }

  /** Hands over the held subprocess if it was started in the given way. */
  take(launch: Launch): Subprocess | undefined {
    const held = this.#held;
    if (held === undefined) return undefined;
    if (held.key !== launch.key || held.child.status !== undefined) {
      this.#discard();
      return undefined;
    }
    this.#held = undefined;
    return held.child;
  }

  /** A subprocess became ready. */
  succeeded(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }

  /** A subprocess could not be started: the next is not started ahead of time for a while. */
  failed(): void {
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#failures++);
    this.#notBefore = performance.now() + pause;
  }

  /** Kills the held subprocess. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#preparing;
    this.#discard();
    await Promise.all(this.#closing);
  }

  async #prepare(plan: () => Promise<Launch | undefined>): Promise<void> {
    const launch = await plan();
    if (launch === undefined || this.#closed) return;
    const child = this.#spawn(launch);
    this.#held = { key: launch.key, child };
    child.ready.then((ready) => {
      if (!ready && this.#held?.child === child) this.failed();
    });
  }

  #discard(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    const closing = held.child.close();
    this.#closing.add(closing);
    closing.finally(() => this.#closing.delete(closing));
  }
}
