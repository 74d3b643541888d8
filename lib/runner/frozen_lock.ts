/**
 * Extends a project's frozen lock file by the subprocess's own modules.
 *
 * @module
 */

import { join } from "node:path";

/** The parts of a lock file that contain the subprocess's own modules. */
interface OwnEntries {
  readonly jsr?: Readonly<Record<string, unknown>>;
  readonly remote?: Readonly<Record<string, unknown>>;
  readonly specifiers?: Readonly<Record<string, unknown>>;
}

/** The options of {@linkcode FrozenLocks}. */
export interface FrozenLocksOptions {
  /** The `deno` that runs jobs. */
  readonly command: string;
  /** The URL of the subprocess's main module. */
  readonly child: string;
}

/**
 * A frozen lock file refuses every module that is not in it, such as the modules of a subprocess that is loaded from
 * a registry. So the subprocess gets a copy of the lock file with these entries added, as Deno itself writes them.
 *
 * Rejected: not freezing the lock file, since Deno would then resolve and add missing modules without notice.
 */
export class FrozenLocks implements Disposable {
  readonly #options: FrozenLocksOptions;
  readonly #copies = new Map<string, { text: string; file: string }>();
  #own: OwnEntries | undefined;
  #folder: string | undefined;

  /** Touches no file yet. */
  constructor(options: FrozenLocksOptions) {
    this.#options = options;
  }

  /** The file to use in place of a lock file: the same, or a copy with further entries. */
  of(lock: string): string {
    // Lock files contain no local modules.
    if (this.#options.child.startsWith("file:")) return lock;
    const text = Deno.readTextFileSync(lock);
    const known = this.#copies.get(lock);
    if (known?.text === text) return known.file;
    const file = this.#write(lock, text);
    this.#copies.set(lock, { text, file });
    return file;
  }

  /** Removes the copies. */
  [Symbol.dispose](): void {
    this.#copies.clear();
    if (this.#folder === undefined) return;
    Deno.removeSync(this.#folder, { recursive: true });
    this.#folder = undefined;
  }

  #write(lock: string, text: string): string {
    const merged = withEntries(text, this.#own ??= this.#ownEntries());
    if (merged === undefined) return lock;
    const file = join(this.#makeFolder(), `${this.#copies.size}.lock`);
    Deno.writeTextFileSync(file, merged);
    return file;
  }

  #makeFolder(): string {
    return this.#folder ??= Deno.makeTempDirSync({ prefix: "deno-rq-" });
  }

  /**
   * The entries that Deno writes into an empty lock file when it starts the subprocess, which exits at once since
   * its stdin is empty. Nothing is downloaded: the worker has loaded the same modules.
   */
  #ownEntries(): OwnEntries {
    const { command, child } = this.#options;
    const file = join(this.#makeFolder(), "own.lock");
    new Deno.Command(command, {
      args: [
        ...["run", "--quiet", "--no-config", "--cached-only"],
        ...[`--lock=${file}`, child],
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync();
    try {
      return JSON.parse(Deno.readTextFileSync(file));
    } catch (error) {
      // If the program is missing, starting a subprocess reports it.
      if (error instanceof Deno.errors.NotFound) return {};
      throw error;
    }
  }
}

/** Adds entries to a lock file; `undefined` if it has them all, or has an older format. Existing entries stay. */
function withEntries(text: string, own: OwnEntries): string | undefined {
  let lock: OwnEntries & { readonly version?: unknown };
  try {
    lock = JSON.parse(text);
  } catch {
    return undefined; // Deno reports what is wrong with it
  }
  if (!(Number(lock.version) >= 4)) return undefined;
  const parts = ["jsr", "remote", "specifiers"] as const;
  const missing = parts.some((part) =>
    Object.keys(own[part] ?? {}).some((key) => !(key in (lock[part] ?? {})))
  );
  if (!missing) return undefined;
  const merged: Record<string, unknown> = { ...lock };
  for (const part of parts) {
    if (own[part]) merged[part] = { ...own[part], ...lock[part] };
  }
  return JSON.stringify(merged);
}
