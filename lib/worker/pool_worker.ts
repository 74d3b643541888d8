/**
 * One worker of a pool: a process of its own.
 *
 * It leaves when its stdin ends (`--until-eof`). So the pool stops it in the same way on every system, and a pool that is
 * killed leaves no workers behind that nobody looks after.
 *
 * @module
 */

/** How long a worker that is told to leave at once has for it, in milliseconds. It puts its jobs back meanwhile. */
const LEAVE_NOW_MS = 15_000;

/** How a worker of a pool is started. */
export interface PoolWorkerOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How a worker has ended. */
export interface PoolWorkerEnd {
  readonly code: number;
  readonly signal: string | null;
  /** How long it lived. */
  readonly livedMs: number;
}

/** `starting` until it is registered in Redis, `leaving` once it was told to leave. */
export type PoolWorkerPhase = "starting" | "listening" | "leaving";

/** See the module. */
export class PoolWorker {
  /** Its name. */
  readonly name: string;
  /** When it was started. */
  readonly startedAt: Date = new Date();
  /** Resolves when it has ended. */
  readonly ended: Promise<PoolWorkerEnd>;
  readonly #process: Deno.ChildProcess;
  readonly #listening = Promise.withResolvers<boolean>();
  #phase: PoolWorkerPhase = "starting";
  #kill: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts it. Its log and the output of its jobs are the pool's own.
   *
   * It is not in the pool's process group: a Ctrl-C would reach it twice, from the terminal and from the pool, and the
   * second one kills its jobs.
   *
   * @throws {Error} If the program cannot be started.
   */
  constructor({ name, command, args, env }: PoolWorkerOptions) {
    this.name = name;
    const begin = performance.now();
    this.#process = new Deno.Command(command, {
      args: [...args],
      env,
      stdin: "piped",
      stdout: "inherit",
      stderr: "inherit",
      detached: true,
    }).spawn();
    this.ended = this.#process.status.then(({ code, signal }) => {
      clearTimeout(this.#kill);
      this.#listening.resolve(false);
      this.#closeStdin();
      return { code, signal, livedMs: performance.now() - begin };
    });
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Where it is in its life. */
  get phase(): PoolWorkerPhase {
    return this.#phase;
  }

  /** Resolves with whether it has begun to listen; `false` if it ended before. */
  get listening(): Promise<boolean> {
    return this.#listening.promise;
  }

  /** Call it when it is seen in Redis. */
  isListening(): void {
    if (this.#phase === "starting") this.#phase = "listening";
    this.#listening.resolve(true);
  }

  /** Begins its warm shutdown. */
  leave(): void {
    if (this.#phase === "leaving") return;
    this.#phase = "leaving";
    this.#closeStdin();
  }

  /** Begins its cold shutdown. */
  leaveNow(): void {
    this.leave();
    this.#signal("SIGTERM");
    this.#kill ??= setTimeout(() => this.#signal("SIGKILL"), LEAVE_NOW_MS);
  }

  /** Ends it as it is: it does not react. Its jobs end with it. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  #closeStdin(): void {
    // It fails if the worker has ended or stdin is closed already: both are what is wanted.
    this.#process.stdin.close().catch(() => {});
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
  }
}
