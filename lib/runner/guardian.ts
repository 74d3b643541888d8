/**
 * A small helper process that outlives a worker that dies, and kills the processes
 * of its jobs. It also kills what has left a job's process group.
 *
 * A subprocess notices the death of its worker by the end of its control pipe, unless it is
 * stuck in a loop; programs that it has started notice nothing. So the worker registers each
 * process group with the guardian. When the guardian's stdin ends, which it does however the
 * worker dies, it sends SIGKILL to the registered groups.
 *
 * A program started by `setsid` has a process group of its own, which is not registered. But it inherits the
 * environment of the job's subprocess, which contains a variable with a unique name (the mark): on Linux, every
 * process with that variable is killed too.
 *
 * Rejected: `setpriv --pdeathsig` (Linux only, and not for grandchildren), a watching
 * thread in the subprocess (not for grandchildren either, and it costs boot time), control groups and
 * process namespaces (most containers may not create them), a subreaper (`prctl`, which Deno cannot call).
 *
 * @module
 */

import { MARK_PREFIX, Orphans } from "./orphans.ts";
import { inOwnGroup } from "./own_group.ts";

/**
 * Its arguments are the groups to begin with and the marks, each list with a space before and after every entry.
 * `+ <group> <mark>` adds a group, `- <group>` removes it, `- - <marks…>` removes marks, `x - <marks…>` kills everything
 * with these marks and removes them. It ignores the signals of a terminal, which are meant for the worker.
 */
const SCRIPT = `trap '' INT TERM HUP QUIT
groups=$1
marks=$2
forget() { for one; do
  case $marks in *" $one "*) marks="\${marks%%" $one "*} \${marks#*" $one "}" ;; esac
done; }
sweep() {
  for one; do set -- "$@" -e "${MARK_PREFIX}$one="; shift; done
  [ $# -gt 0 ] && [ -r /proc/self/environ ] || return
  for round in 1 2 3 4 5 6 7 8; do
    found=$(grep -lsF "$@" /proc/[0-9]*/environ)
    [ "$found" ] || return
    for file in $found; do file=\${file#/proc/}; kill -9 "\${file%/environ}"; done
  done
}
while read -r op group given; do
  case $op in
    +) groups="$groups$group "; marks="$marks$given " ;;
    -) case $groups in *" $group "*) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;; esac
      forget $given ;;
    x) sweep $given; forget $given ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done
sweep $marks`;

/** A guardian that has lived so many milliseconds has been killed by somebody; before that, it may be unable to run. */
const SOUND_MS = 10_000;
/** Milliseconds before another guardian is started; doubled after each failure. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** Milliseconds between the end of a group and a look at what it has left, and between two looks. */
const LOOK_MS = 250;
/** How often a mark is looked for: a process whose parent is just ending is not an orphan yet. */
const LOOKS = 2;

/** Options of a {@linkcode Guardian}. */
export interface GuardianOptions {
  /** Called with a sentence if the guardian cannot be kept running. */
  readonly onWarning?: (message: string) => void;
  /** Tells what ended groups have left running. @default this machine's */
  readonly orphans?: Pick<Orphans, "marks">;
}

/** Kills the registered process groups if this process ends without unregistering them. */
export class Guardian implements AsyncDisposable {
  readonly #options: GuardianOptions;
  /** The registered groups and their marks. */
  readonly #groups = new Map<number, string>();
  readonly #orphans: Pick<Orphans, "marks">;
  /** The marks of groups that have ended, and how often they are still to be looked for. */
  readonly #left = new Map<string, number>();
  readonly #encoder = new TextEncoder();
  #process: Deno.ChildProcess | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #startedAt = 0;
  #failures = 0;
  #restart: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Starts a guardian, and another one if it is killed. Without `sh`, as on Windows, or the permission to run it,
   * there is none: then only the end of the control pipe stops a subprocess.
   */
  static start(options: GuardianOptions = {}): Guardian | undefined {
    if (Deno.build.os === "windows") return undefined;
    try {
      return new Guardian(options);
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable
      ) return undefined;
      throw error;
    }
  }

  /** Use {@linkcode Guardian.start}. */
  constructor(options: GuardianOptions = {}) {
    this.#options = options;
    this.#orphans = options.orphans ?? new Orphans();
    try {
      this.#start();
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable
      ) throw error;
      this.#failed(error); // the machine may be out of processes, and have one later
    }
  }

  /** The id of its process, if it has one now. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Registers a process group. Once this resolves, the group is killed if this process dies. */
  add(group: number, mark: string): Promise<void> {
    this.#groups.set(group, mark);
    return this.#write(`+ ${group} ${mark}\n`);
  }

  /** Unregisters a process group that is gone. What it has left running in other groups is killed. */
  remove(group: number): Promise<void> {
    const mark = this.#groups.get(group);
    this.#groups.delete(group);
    if (mark !== undefined) {
      this.#left.set(mark, LOOKS);
      this.#lookSoon();
    }
    return this.#write(`- ${group}\n`);
  }

  /** Ends the guardian, which kills what is still registered. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    clearTimeout(this.#look);
    await this.#sweep([...this.#left.keys()]);
    await this.#writer?.close().catch(ignoreBrokenPipe);
    await this.#process?.status;
  }

  /** The same as {@linkcode Guardian.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Starts one that knows what is registered from its first moment on, by its arguments. If it were told by its stdin, a
   * worker that is killed just after it has replaced its guardian would leave its jobs running.
   */
  #start(): void {
    const groups = wordsOf(this.#groups.keys());
    const marks = wordsOf([...this.#groups.values(), ...this.#left.keys()]);
    // In its own session, so that a signal to the worker's group does not kill it.
    const start = inOwnGroup("sh", ["-c", SCRIPT, "sh", groups, marks]);
    const process = new Deno.Command(start.command, {
      ...start.options,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#process = process;
    this.#writer = process.stdin.getWriter();
    this.#writer.closed.catch(() => undefined);
    this.#startedAt = performance.now();
    process.status.then(() => this.#ended());
  }

  /** It has ended: killed by somebody, or unable to run here. */
  #ended(): void {
    if (this.#closed) return;
    this.#writer?.abort().catch(() => undefined);
    this.#process = this.#writer = undefined;
    if (performance.now() - this.#startedAt >= SOUND_MS) this.#failures = 0;
    if (this.#failures === 0) {
      this.#failures = 1;
      this.#startAgain();
    } else this.#failed("it ends again and again");
  }

  #startAgain(): void {
    this.#restart = undefined;
    try {
      this.#start();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(why: unknown): void {
    // Warns once. A guardian that was killed has been restarted without a warning before, see #ended().
    if (this.#failures++ <= 1) {
      const state = why instanceof Error ? why.message : String(why);
      this.#options.onWarning?.(
        `Cannot keep the guardian of running jobs alive: ${state}; without it, a stuck job outlives a worker that is killed`,
      );
    }
    const pause = FIRST_PAUSE * 2 ** Math.max(0, this.#failures - 2);
    this.#restart = setTimeout(
      () => this.#startAgain(),
      Math.min(LONGEST_PAUSE, pause),
    );
  }

  #lookSoon(): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      void this.#lookNow();
    }, LOOK_MS);
  }

  /** A sweep searches all processes of the machine, so there is one only if it will find something, or may. */
  async #lookNow(): Promise<void> {
    const orphans = this.#orphans.marks();
    const found: string[] = [];
    const gone: string[] = [];
    for (const [mark, looks] of this.#left) {
      if (orphans === undefined || orphans.has(mark)) found.push(mark);
      else if (looks === 1) gone.push(mark);
      else this.#left.set(mark, looks - 1);
    }
    for (const mark of [...found, ...gone]) this.#left.delete(mark);
    if (this.#left.size > 0) this.#lookSoon();
    if (gone.length > 0) await this.#write(`- - ${gone.join(" ")}\n`);
    await this.#sweep(found);
  }

  async #sweep(marks: readonly string[]): Promise<void> {
    if (marks.length > 0) await this.#write(`x - ${marks.join(" ")}\n`);
  }

  async #write(line: string): Promise<void> {
    await this.#writer?.write(this.#encoder.encode(line))
      .catch(ignoreBrokenPipe);
  }
}

function wordsOf(words: Iterable<number | string>): string {
  return ` ${[...words].join(" ")} `;
}

/** Ignores that the guardian has been killed: jobs go on, and another one is being started. */
function ignoreBrokenPipe(error: unknown): void {
  if (error instanceof Deno.errors.BrokenPipe || error instanceof TypeError) {
    return;
  }
  throw error;
}
