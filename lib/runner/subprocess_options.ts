/**
 * What a subprocess is started with.
 *
 * @module
 */

import type { Isolation } from "../job/isolation.ts";
import type { HookRefs } from "./middleware.ts";
import type { OutputSink } from "./runner.ts";

/** The options of a `Subprocess`. */
export interface SubprocessOptions {
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Variables that its environment has beside those of this process. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Takes its output. */
  readonly sink: OutputSink;
  /** Whether its control pipe is not its stdin; see `control_pipe.ts`. @default false */
  readonly controlApart?: boolean;
  /** The isolation of the jobs that it runs. @default "process" */
  readonly isolation?: Isolation;
  /** The memory in bytes beyond which it takes no more jobs. @default none */
  readonly memoryLimit?: number;
  /** A module to load ahead of time. @default none */
  readonly preload?: string;
  /** Called for an unhandled error of a job that had answered; the process then takes no more jobs. */
  readonly onLateError?: (error: LateError) => void;
  /** What runs around its jobs. @default nothing */
  readonly hooks?: HookRefs;
  /** The memory in bytes beyond which it is killed; see `Subprocess.exceedMemory()`. @default none */
  readonly jobMemory?: number;
}

/** An unhandled error of a job that has ended already. */
export interface LateError {
  /** The job's id, if it is known. */
  readonly jobId: string | undefined;
  /** The error, in one line. */
  readonly message: string;
}
