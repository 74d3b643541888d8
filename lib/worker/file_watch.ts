/**
 * Watches the modules of jobs, for workers that are to run the newest code.
 *
 * @module
 */

import { relative, sep } from "node:path";

/** How long nothing changes before it is told, in milliseconds: an editor or a checkout writes several files. */
const SETTLE_MS = 200;

/** What a change of may change what a job does. */
const MODULE = /\.([cm]?[jt]sx?|jsonc?|wasm)$/;

/** Folders whose files nobody edits. */
const GENERATED: readonly string[] = ["node_modules", ".git"];

/** Watches directories until it is disposed. */
export class FileWatch implements Disposable {
  readonly #watcher: Deno.FsWatcher;
  readonly #directories: readonly string[];
  readonly #onChange: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Begins to watch.
   *
   * @param onChange Called after each change of modules.
   * @throws {Error} If a directory cannot be watched.
   */
  constructor(directories: readonly string[], onChange: () => void) {
    this.#directories = directories.map((path) => Deno.realPathSync(path));
    this.#onChange = onChange;
    this.#watcher = Deno.watchFs([...this.#directories]);
    this.#watch();
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#watcher.close();
  }

  async #watch(): Promise<void> {
    for await (const { kind, paths } of this.#watcher) {
      if (kind === "access" || !paths.some((path) => this.#counts(path))) {
        continue;
      }
      clearTimeout(this.#timer);
      this.#timer = setTimeout(this.#onChange, SETTLE_MS);
    }
  }

  #counts(path: string): boolean {
    if (!MODULE.test(path)) return false;
    return this.#directories.some((directory) => {
      const parts = relative(directory, path).split(sep);
      return parts[0] !== ".." &&
        !parts.some((part) => GENERATED.includes(part));
    });
  }
}
