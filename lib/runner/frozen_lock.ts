/**
 * Lock files that a subprocess can be started with although its own main module is none of the project's.
 *
 * @module
 */

import { join } from "node:path";

/** The parts of a lock file in which a subprocess's own modules are. */
interface OwnEntries {
  readonly jsr?: Readonly<Record<string, unknown>>;
  readonly remote?: Readonly<Record<string, unknown>>;
  readonly specifiers?: Readonly<Record<string, unknown>>;
}

/** What {@linkcode FrozenLocks} work with. */
export interface FrozenLocksOptions {
  /** The `deno` that runs jobs. */
  readonly command: string;
  /** The URL of the subprocess's main module. */
  readonly child: string;
}

/**
 * A frozen lock file refuses every module that is not in it, and a subprocess that is loaded from a registry
 * is not. It is given a copy of the lock file, to which its own entries are added as Deno itself writes them.
 *
 * Rejected: not to freeze the lock file, since what it does not have is then looked up and added without a word.
 */
export class FrozenLocks implements Disposable {
  readonly #options: FrozenLocksOptions;
  readonly #copies = new Map<string, { text: string; file: string }>();
  #own: OwnEntries | undefined;
  #folder: string | undefined;

  /** Reads and writes nothing yet. */
  constructor(options: FrozenLocksOptions) {
    this.#options = options;
  }

  /** The file to use for a lock file: itself, or a copy with further entries. */
  of(lock: string): string {
    // What is loaded from a file is in no lock file.
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
   * As Deno writes them into an empty lock file when it loads the subprocess's modules, which ends at once for want of stdin.
   * Nothing is fetched: those are modules of its worker, too.
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
      // What is missing is told when a subprocess is started.
      if (error instanceof Deno.errors.NotFound) return {};
      throw error;
    }
  }
}

/** Nothing if all of them are there already, or the file has an older form. What is there stays as it is. */
function withEntries(text: string, own: OwnEntries): string | undefined {
  let lock: OwnEntries & { readonly version?: unknown };
  try {
    lock = JSON.parse(text);
  } catch {
    return undefined; // Deno tells what is wrong with it
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
