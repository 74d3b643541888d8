/**
 * Tells whoever looks after the program that it lives: systemd (`Type=notify`, `WatchdogSec=`), and probes such as those of
 * Kubernetes, which look at a file.
 *
 * What is told is that the event loop turns. A Redis that is down is not told: a restart of the worker would not mend it.
 *
 * @module
 */

import { CannotStartError } from "../worker/errors.ts";
import type { WorkerLog } from "../worker/log.ts";

/** How often it is told, in milliseconds. */
const BEAT_MS = 5_000;

/** The socket of systemd, and how long it may hear nothing. */
interface Systemd {
  readonly socket: string;
  /** Milliseconds; `Infinity` without a watchdog. */
  readonly patience: number;
}

/** The options of a {@linkcode Liveness}. */
export interface LivenessOptions {
  /** The file that exists while the program takes jobs, and is written with each beat. */
  readonly file: string | undefined;
  /** Resolves with whether it has begun to. */
  readonly listening: Promise<boolean>;
  readonly log: WorkerLog;
}

/** See the module. */
export class Liveness implements AsyncDisposable {
  readonly #options: LivenessOptions;
  readonly #systemd: Systemd | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** What is being told. */
  #telling: Promise<void> = Promise.resolve();
  #isBeating = false;
  #hasEnded = false;
  #hasReported = false;

  private constructor(options: LivenessOptions) {
    this.#options = options;
    this.#systemd = takeSystemd();
  }

  /**
   * Tells as soon as the program listens.
   *
   * @throws {CannotStartError} If the file of an earlier run cannot be removed.
   */
  static async begin(options: LivenessOptions): Promise<Liveness> {
    const liveness = new Liveness(options);
    await liveness.#removeFile();
    options.listening.then((does) => {
      if (does && !liveness.#hasEnded) liveness.#start();
    });
    return liveness;
  }

  /** Tells that a shutdown has begun, which may take long. */
  stopping(): void {
    this.#tell("STOPPING=1");
  }

  /** Tells nothing more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#hasEnded = true;
    clearInterval(this.#timer);
    await this.#telling;
    await this.#removeFile();
  }

  #start(): void {
    this.#tell("READY=1");
    this.#beat();
    const { patience = Infinity } = this.#systemd ?? {};
    const ms = Math.min(BEAT_MS, patience / 2);
    this.#timer = setInterval(() => this.#beat(), ms);
  }

  #beat(): void {
    if (this.#isBeating) return; // the last one takes long
    this.#isBeating = true;
    if (this.#systemd && this.#systemd.patience < Infinity) {
      this.#tell("WATCHDOG=1");
    }
    const written = this.#telling.then(() => this.#writeFile());
    this.#telling = written.finally(() => this.#isBeating = false);
  }

  async #writeFile(): Promise<void> {
    const { file } = this.#options;
    if (file === undefined) return;
    try {
      await Deno.writeTextFile(file, `${new Date().toISOString()}\n`);
    } catch (error) {
      this.#report(`Cannot write the heartbeat file ${file}: ${error}`);
    }
  }

  async #removeFile(): Promise<void> {
    const { file } = this.#options;
    if (file === undefined) return;
    try {
      await Deno.remove(file);
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return;
      const text = `Cannot remove the heartbeat file ${file}: ${cause}`;
      if (!this.#hasEnded) throw new CannotStartError(text, { cause });
      this.#report(text);
    }
  }

  /**
   * Tells systemd, by its program `systemd-notify`.
   *
   * Rejected: sending to the socket from here, which Deno allows with `--unstable-net` only.
   */
  #tell(what: string): void {
    const systemd = this.#systemd;
    if (systemd === undefined) return;
    this.#telling = this.#telling.then(async () => {
      try {
        const { success, code, stderr } = await new Deno.Command(
          "systemd-notify",
          {
            args: [what],
            env: { NOTIFY_SOCKET: systemd.socket },
            stdin: "null",
          },
        ).output();
        const why = new TextDecoder().decode(stderr).trim();
        if (!success) this.#report(`systemd-notify ended with ${code}: ${why}`);
      } catch (error) {
        this.#report(`Cannot tell systemd ${what}: ${error}`);
      }
    });
  }

  /** Whatever is wrong is wrong each time. */
  #report(text: string): void {
    if (this.#hasReported) return;
    this.#hasReported = true;
    this.#options.log.warn(text);
  }
}

/** Takes systemd's variables out of the environment: jobs, and the workers of a pool, are not to talk to it. */
function takeSystemd(): Systemd | undefined {
  const socket = takeVariable("NOTIFY_SOCKET");
  const microseconds = Number(takeVariable("WATCHDOG_USEC") ?? NaN);
  takeVariable("WATCHDOG_PID");
  if (socket === undefined) return undefined;
  const patience = microseconds > 0 ? microseconds / 1_000 : Infinity;
  return { socket, patience };
}

function takeVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  if (state !== "granted") return undefined;
  const value = Deno.env.get(variable) || undefined;
  if (value !== undefined) Deno.env.delete(variable);
  return value;
}
