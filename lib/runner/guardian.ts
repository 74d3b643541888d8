/**
 * A small process that outlives its worker by a moment, to kill what the worker
 * can no longer kill.
 *
 * A subprocess sees the death of its worker as the end of its stdin, but not if
 * it is stuck in a loop, and what it has started in turn sees nothing at all. The
 * guardian is told of each process group; when its own stdin ends, however the
 * worker died, it sends SIGKILL to the groups that are left.
 *
 * Rejected: `setpriv --pdeathsig` (Linux only, and not for grandchildren), a
 * watching thread in the subprocess (nor for grandchildren, and it costs boot time).
 *
 * @module
 */

import { inOwnGroup } from "./own_group.ts";

/** `+ <group>` adds a group, `- <group>` removes it. The signals of a terminal are for the worker. */
const SCRIPT = `trap '' INT TERM HUP QUIT
groups=' '
while read -r op group; do
  case $op in
    +) groups="$groups$group " ;;
    -) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
  esac
done
for group in $groups; do kill -9 "-$group"; done`;

/** Kills the registered process groups if this process ends without unregistering them. */
export class Guardian implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();

  /**
   * Starts a guardian. Where there is no `sh`, as on Windows, or no permission to
   * run it, there is none: then only the end of its stdin stops a subprocess.
   */
  static start(): Guardian | undefined {
    if (Deno.build.os === "windows") return undefined;
    try {
      return new Guardian();
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable
      ) return undefined;
      throw error;
    }
  }

  /** Use {@linkcode Guardian.start}. */
  constructor() {
    // In a session of its own: what kills the worker's group leaves it alone.
    const start = inOwnGroup("sh", ["-c", SCRIPT]);
    this.#process = new Deno.Command(start.command, {
      ...start.options,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
  }

  /** Adds a process group. Once this resolves, the group is killed if this process dies. */
  add(group: number): Promise<void> {
    return this.#write(`+ ${group}\n`);
  }

  /** Removes a process group that is gone. */
  remove(group: number): Promise<void> {
    return this.#write(`- ${group}\n`);
  }

  /** Ends the guardian; it kills what is still registered. */
  async close(): Promise<void> {
    await this.#writer.close().catch(ignoreBrokenPipe);
    await this.#process.status;
  }

  /** The same as {@linkcode Guardian.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #write(line: string): Promise<void> {
    await this.#writer.write(this.#encoder.encode(line))
      .catch(ignoreBrokenPipe);
  }
}

/** Somebody killed the guardian: jobs run on without one. */
function ignoreBrokenPipe(error: unknown): void {
  if (error instanceof Deno.errors.BrokenPipe || error instanceof TypeError) {
    return;
  }
  throw error;
}
