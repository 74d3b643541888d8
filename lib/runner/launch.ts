/**
 * How a subprocess is started: from a file, from a registry, or by a compiled
 * program that starts itself.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { nearestConfig } from "../base/project.ts";
import { VERSION } from "../base/version.ts";
import { controlFlags } from "./control_pipe.ts";
import { canMoveStdin } from "./own_group.ts";
import { type DenoArgs, readDenoArgs } from "./deno_args.ts";
import { FrozenLocks } from "./frozen_lock.ts";
import { canImport, type ChildPermissions } from "./permissions.ts";
import { lockFileOf } from "./project_lock.ts";
import { CHILD_ARGUMENT, CONTROL_ARGUMENT, CONTROL_PATH } from "./protocol.ts";
import type { ResolvedFunc } from "./resolve.ts";

/** How subprocesses are started. */
export interface LaunchOptions {
  /** What jobs may do; see `childPermissions()`. */
  readonly permissions: ChildPermissions;
  /**
   * The `deno` that runs jobs.
   *
   * @default the running one; a compiled program starts itself, which gives jobs
   * the permissions that it was compiled with and no import map
   */
  readonly execPath?: string;
  /**
   * The URL of the subprocess's main module.
   *
   * @default `child.ts` next to this module; `jsr:@deno-rq/rq@<version>/child` for
   * a compiled program with an `execPath`
   */
  readonly childUrl?: string;
  /**
   * Further arguments of `deno run`, one flag each with its value behind `=`, such as `--unstable-kv` or
   * `--import-map=map.json`. One that names a configuration or a lock file takes the place of the project's.
   *
   * @default []
   */
  readonly denoArgs?: readonly string[];
  /** Bytes of memory that a subprocess may use, with all that it starts. @default no limit */
  readonly jobMemory?: number;
}

/** One way of starting a subprocess. Two with the same key are the same. */
export interface Launch {
  /** What it is told from others by. */
  readonly key: string;
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Whether it is of use for any job with this key, not only for the one it was made for. */
  readonly generic: boolean;
  /** Whether its control pipe is apart from its stdin; see `control_pipe.ts`. */
  readonly controlApart: boolean;
  /** Whether anything of a job's project has a part in it, which may be why a start fails. */
  readonly ofProject: boolean;
}

/** Decides how the subprocesses of a runner are started. */
export class LaunchPlan implements Disposable {
  readonly #options: LaunchOptions;
  readonly #denoArgs: DenoArgs;
  readonly #child: string;
  #locks: FrozenLocks | undefined;
  #last: Launch | undefined;
  #own: string | undefined;

  /**
   * Plans by the options of the runner.
   *
   * @throws {TypeError} if `denoArgs` has what is no flag, or a permission
   */
  constructor(options: LaunchOptions) {
    this.#options = options;
    this.#denoArgs = readDenoArgs(options.denoArgs ?? []);
    this.#child = options.childUrl ?? defaultChildUrl();
  }

  /**
   * How the subprocess of a job is started.
   *
   * @throws {Error} if the project's files cannot be read now
   */
  of(target: ResolvedFunc): Launch {
    const { permissions } = this.#options;
    const config = this.#configOr(target.config);
    const generic = this.#startsItself() ||
      canImport(permissions, target.url, config);
    return this.#launch(config, generic ? [] : [target.url]);
  }

  /** The simplest one, in which no job has a part. */
  plain(): Launch {
    return this.#launch(this.#configOr(undefined), []);
  }

  /** Notes that a job's subprocess was started in this way: the next one's most likely is too. */
  used(launch: Launch): void {
    if (launch.generic) this.#last = launch;
  }

  /**
   * How the next one is most likely started: like the last, at first for a module
   * in the first of the paths. None if the job has to be known for it.
   */
  next(paths: readonly string[]): Launch | undefined {
    if (this.#last !== undefined) return this.#last;
    const path = paths[0];
    if (path === undefined) return undefined;
    const config = this.#configOr(
      nearestConfig(path) ?? nearestConfig(Deno.cwd()),
    );
    const anyModule = pathToFileURL(join(path, "mod.ts")).href;
    return this.#startsItself() ||
        canImport(this.#options.permissions, anyModule, config)
      ? this.#launch(config, [])
      : undefined;
  }

  /** Removes what was written for the subprocesses. */
  [Symbol.dispose](): void {
    this.#locks?.[Symbol.dispose]();
  }

  #startsItself(): boolean {
    return Deno.build.standalone && this.#options.execPath === undefined;
  }

  /** The permission to open the control pipe; `undefined` if that has to be stdin. */
  #controlFlags(): string[] | undefined {
    if (!canMoveStdin()) return undefined;
    if (!this.#startsItself()) {
      return controlFlags(this.#options.permissions.flags);
    }
    // A compiled program may as a subprocess what it may here.
    const control = { name: "read", path: CONTROL_PATH } as const;
    const { state } = Deno.permissions.querySync(control);
    return state === "granted" ? [] : undefined;
  }

  #command(): string {
    return this.#options.execPath ?? (this.#own ??= Deno.execPath());
  }

  /** The user's own configuration file takes the place of the project's. */
  #configOr(ofProject: string | undefined): string | undefined {
    const { config } = this.#denoArgs;
    return config === undefined ? ofProject : config ?? undefined;
  }

  #launch(config: string | undefined, modules: readonly string[]): Launch {
    const controlApart = this.#controlFlags() !== undefined;
    const args = this.#startsItself()
      ? [CHILD_ARGUMENT]
      : this.#runArgs(config, modules);
    if (controlApart) args.push(CONTROL_ARGUMENT);
    return {
      key: args.join("\0"),
      command: this.#command(),
      args,
      generic: modules.length === 0,
      controlApart,
      ofProject: !this.#startsItself() &&
        (modules.length > 0 || config !== this.#configOr(undefined)),
    };
  }

  #runArgs(config: string | undefined, modules: readonly string[]): string[] {
    const { jobMemory, permissions } = this.#options;
    return [
      "run",
      "--quiet",
      ...this.#configArgs(config),
      ...this.#lockArgs(config),
      ...(jobMemory === undefined ? [] : [heapLimit(jobMemory)]),
      ...this.#denoArgs.args,
      // Behind them: a flag whose value is missing takes what comes next.
      "--no-prompt",
      ...permissions.flags,
      ...this.#controlFlags() ?? [],
      modules.length === 0 ? this.#child : mainModuleOf(this.#child, modules),
    ];
  }

  #configArgs(config: string | undefined): string[] {
    if (this.#denoArgs.config !== undefined) return [];
    // Without one, that of the subprocess's own main module must not apply.
    return config === undefined ? ["--no-config"] : ["--config", config];
  }

  /** The lock file of the job's project holds: what is not in it is not loaded, and it is not written to. */
  #lockArgs(config: string | undefined): string[] {
    const { hasFrozen, hasLock } = this.#denoArgs;
    const frozen = hasFrozen ? [] : ["--frozen"];
    if (hasLock) return frozen;
    const lock = config === undefined ? undefined : lockFileOf(config);
    if (lock === undefined) return ["--no-lock"];
    this.#locks ??= new FrozenLocks({
      command: this.#command(),
      child: this.#child,
    });
    // One that may be written to is the project's own.
    return [`--lock=${hasFrozen ? lock : this.#locks.of(lock)}`, ...frozen];
  }
}

/** What is in V8's heap is refused by V8 itself, before the next look at the memory. */
function heapLimit(bytes: number): string {
  const megabytes = Math.max(1, Math.floor(bytes / 1024 / 1024));
  return `--v8-flags=--max-old-space-size=${megabytes}`;
}

/**
 * Makes a main module that has the modules of jobs in its static graph: importing
 * them later then needs no permission, and nothing of them is evaluated before.
 *
 * Rejected: `--preload`, which evaluates a module before it is known how long that
 * may take, and waits for the end of every timer and connection that it leaves.
 */
function mainModuleOf(child: string, modules: readonly string[]): string {
  const imports = modules.map((url) => `import(${JSON.stringify(url)})`);
  const code = `import ${JSON.stringify(child)}; if (0) ${imports.join(",")};`;
  return `data:application/javascript,${encodeURIComponent(code)}`;
}

/** Whether subprocesses are loaded from a file beside this one, or are this program itself. */
export function isOwnChild(options: LaunchOptions): boolean {
  if (options.childUrl !== undefined) return false;
  return Deno.build.standalone || import.meta.url.startsWith("file:");
}

function defaultChildUrl(): string {
  return Deno.build.standalone
    ? `jsr:@deno-rq/rq@${VERSION}/child`
    : new URL("./child.ts", import.meta.url).href;
}
