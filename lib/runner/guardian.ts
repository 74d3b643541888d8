/**
 * A small process that outlives its worker by a moment, to kill what the worker
 * can no longer kill; and that looks for what has left its process group.
 *
 * A subprocess sees the death of its worker as the end of its stdin, but not if
 * it is stuck in a loop, and what it has started in turn sees nothing at all. The
 * guardian is told of each process group; when its own stdin ends, however the
 * worker died, it sends SIGKILL to the groups that are left.
 *
 * What a job starts by way of `setsid` leads a group of its own, which nobody is told of. It still has
 * the environment of the job's subprocess, which has a variable of its own name: on Linux everything
 * that has it is killed, too.
 *
 * Rejected: `setpriv --pdeathsig` (Linux only, and not for grandchildren), a
 * watching thread in the subprocess (nor for grandchildren, and it costs boot time), control
 * groups and process namespaces (which most containers do not let be made), a subreaper
 * (`prctl`, for which Deno has no call).
 *
 * @module
 */

import { inOwnGroup } from "./own_group.ts";

/** What the name of the variable begins with that marks all that a subprocess starts. */
export const MARK_PREFIX = "DENO_RQ_PROCESS_";

/**
 * `+ <group> <mark>` adds a group, `- <group> [<mark>]` removes it, `x - <marks…>` kills what has left its group
 * and removes the marks. The signals of a terminal are for the worker.
 */
const SCRIPT = `trap '' INT TERM HUP QUIT
groups=' '
marks=' '
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

/** Milliseconds after which one that has ended is no longer taken for one that cannot live. */
const SOUND_MS = 10_000;
/** Milliseconds of the first pause before another is started, doubled each time. */
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
/** Milliseconds for which what may have left its group is collected: to look for it takes as long for many as for one. */
const SWEEP_MS = 50;

/** What a {@linkcode Guardian} may be given. */
export interface GuardianOptions {
  /** Told in one sentence that there is none, though there was to be one. */
  readonly onWarning?: (message: string) => void;
}

/** Kills the registered process groups if this process ends without unregistering them. */
export class Guardian implements AsyncDisposable {
  readonly #options: GuardianOptions;
  /** The marks of the groups that live. */
  readonly #groups = new Map<number, string>();
  /** The marks of what has ended and may have left something. */
  readonly #left = new Set<string>();
  readonly #encoder = new TextEncoder();
  #process: Deno.ChildProcess | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #startedAt = 0;
  #failures = 0;
  #restart: ReturnType<typeof setTimeout> | undefined;
  #sweep: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Starts a guardian, and another one when somebody has killed it. Where there is no `sh`, as on Windows, or no permission to
   * run it, there is none: then only the end of its stdin stops a subprocess.
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
    try {
      this.#start();
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable
      ) throw error;
      this.#failed(error); // the machine has no process left; it may have one later
    }
  }

  /** The id of its process, if it has one now. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Adds a process group. Once this resolves, the group is killed if this process dies. */
  add(group: number, mark: string): Promise<void> {
    this.#groups.set(group, mark);
    return this.#write(`+ ${group} ${mark}\n`);
  }

  /**
   * Removes a process group that is gone.
   *
   * @param mayHaveLeft whether something with its mark may live on in another group, and is to be killed
   */
  remove(group: number, mayHaveLeft = false): Promise<void> {
    const mark = this.#groups.get(group);
    this.#groups.delete(group);
    if (!mayHaveLeft || mark === undefined) {
      return this.#write(`- ${group} ${mark ?? ""}\n`);
    }
    this.#left.add(mark);
    this.#sweep ??= setTimeout(() => void this.#sweepNow(), SWEEP_MS);
    return this.#write(`- ${group}\n`);
  }

  /** Ends the guardian; it kills what is still registered. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    clearTimeout(this.#sweep);
    await this.#sweepNow();
    await this.#writer?.close().catch(ignoreBrokenPipe);
    await this.#process?.status;
  }

  /** The same as {@linkcode Guardian.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(): void {
    // In a session of its own: what kills the worker's group leaves it alone.
    const start = inOwnGroup("sh", ["-c", SCRIPT]);
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

  /** Somebody has killed it, or it cannot live here. */
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
      return;
    }
    const groups = [...this.#groups].map(([group, mark]) =>
      `+ ${group} ${mark}\n`
    );
    void this.#write(groups.join(""));
  }

  #failed(why: unknown): void {
    // The first time is no news yet: one that was killed is started at once.
    if (this.#failures++ <= 1) {
      const state = why instanceof Error ? why.message : String(why);
      this.#options.onWarning?.(
        `Cannot keep the guardian of running jobs alive: ${state}; without it a job that is stuck outlives a worker that is killed`,
      );
    }
    const pause = FIRST_PAUSE * 2 ** Math.max(0, this.#failures - 2);
    this.#restart = setTimeout(
      () => this.#startAgain(),
      Math.min(LONGEST_PAUSE, pause),
    );
  }

  async #sweepNow(): Promise<void> {
    this.#sweep = undefined;
    if (this.#left.size === 0) return;
    const marks = [...this.#left].join(" ");
    this.#left.clear();
    await this.#write(`x - ${marks}\n`);
  }

  async #write(lines: string): Promise<void> {
    if (lines === "") return;
    await this.#writer?.write(this.#encoder.encode(lines))
      .catch(ignoreBrokenPipe);
  }
}

/** Somebody killed the guardian: jobs run on without one until the next is there. */
function ignoreBrokenPipe(error: unknown): void {
  if (error instanceof Deno.errors.BrokenPipe || error instanceof TypeError) {
    return;
  }
  throw error;
}
