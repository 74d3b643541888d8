/**
 * Decides how a subprocess is started: from a file, from a registry, or as a
 * compiled program that starts itself.
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
import { hookModules, type HookRefs } from "./middleware.ts";
import { canImport, type ChildPermissions } from "./permissions.ts";
import { lockFileOf } from "./project_lock.ts";
import { CHILD_ARGUMENT, CONTROL_ARGUMENT, CONTROL_PATH } from "./protocol.ts";
import type { ResolvedFunc } from "./resolve.ts";

/** The options of a {@linkcode LaunchPlan}. */
export interface LaunchOptions {
  /** The permissions of jobs; see `childPermissions()`. */
  readonly permissions: ChildPermissions;
  /**
   * The `deno` that runs jobs.
   *
   * @default the running one. A compiled program starts itself: jobs then have
   * the permissions that it was compiled with, and no import map
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
   * Further arguments of `deno run`, one flag each with its value after `=`, such as `--unstable-kv` or
   * `--import-map=map.json`. A flag for a configuration or a lock file replaces the project's.
   *
   * @default []
   */
  readonly denoArgs?: readonly string[];
  /** What runs around jobs, in their subprocess. @default nothing */
  readonly hooks?: HookRefs;
  /** The memory limit of a subprocess and everything that it starts, in bytes. @default no limit */
  readonly jobMemory?: number;
}

/** How to start a subprocess. */
export interface Launch {
  /** Identifies it: two with the same key are equal. */
  readonly key: string;
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Whether the subprocess can run any job with this key, not only the one it was started for. */
  readonly generic: boolean;
  /** Whether its control pipe is not its stdin; see `control_pipe.ts`. */
  readonly controlApart: boolean;
  /** Whether the start depends on files of a job's project, which may be the reason if it fails. */
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
   * Checks the options.
   *
   * @throws {TypeError} If `denoArgs` contains an argument that is not a flag, or a permission.
   */
  constructor(options: LaunchOptions) {
    this.#options = options;
    this.#denoArgs = readDenoArgs(options.denoArgs ?? []);
    this.#child = options.childUrl ?? defaultChildUrl();
  }

  /**
   * How to start the subprocess for a job.
   *
   * @throws {Error} If the project's files cannot be read now.
   */
  of(target: ResolvedFunc): Launch {
    const { permissions } = this.#options;
    const config = this.#configOr(target.config);
    const generic = this.#startsItself() ||
      canImport(permissions, target.url, config);
    return this.#launch(config, generic ? undefined : target.url);
  }

  /** The simplest start, which depends on no job. */
  plain(): Launch {
    return this.#launch(this.#configOr(undefined));
  }

  /** Remembers how a job's subprocess was started, as a guess for the next. */
  used(launch: Launch): void {
    if (launch.generic) this.#last = launch;
  }

  /**
   * Guesses how the next subprocess is started: like the last one, and at first for a module
   * in the first of the paths. `undefined` if that depends on the job.
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
      ? this.#launch(config)
      : undefined;
  }

  /** Removes the files that were written for subprocesses. */
  [Symbol.dispose](): void {
    this.#locks?.[Symbol.dispose]();
  }

  #startsItself(): boolean {
    return Deno.build.standalone && this.#options.execPath === undefined;
  }

  /** The flags that permit opening the control pipe; `undefined` if stdin has to be the control pipe. */
  #controlFlags(): string[] | undefined {
    if (!canMoveStdin()) return undefined;
    if (!this.#startsItself()) {
      return controlFlags(this.#options.permissions.flags);
    }
    // A compiled program has the same permissions when it is started as a subprocess.
    const control = { name: "read", path: CONTROL_PATH } as const;
    const { state } = Deno.permissions.querySync(control);
    return state === "granted" ? [] : undefined;
  }

  #command(): string {
    return this.#options.execPath ?? (this.#own ??= Deno.execPath());
  }

  /** The user's configuration file if there is one, else the project's. */
  #configOr(ofProject: string | undefined): string | undefined {
    const { config } = this.#denoArgs;
    return config === undefined ? ofProject : config ?? undefined;
  }

  /** `module` is that of a job, if the subprocess could not import it otherwise. */
  #launch(config: string | undefined, module?: string): Launch {
    const modules = [
      ...(module === undefined ? [] : [module]),
      ...this.#hooksFor(config),
    ];
    const controlApart = this.#controlFlags() !== undefined;
    const args = this.#startsItself()
      ? [CHILD_ARGUMENT]
      : this.#runArgs(config, modules);
    if (controlApart) args.push(CONTROL_ARGUMENT);
    return {
      key: args.join("\0"),
      command: this.#command(),
      args,
      generic: module === undefined,
      controlApart,
      ofProject: !this.#startsItself() &&
        (module !== undefined || config !== this.#configOr(undefined)),
    };
  }

  /** The modules of hooks that a subprocess could not import otherwise. */
  #hooksFor(config: string | undefined): string[] {
    const { hooks, permissions } = this.#options;
    return this.#startsItself() ? [] : hookModules(hooks)
      .filter((url) => !canImport(permissions, url, config));
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
      // After the user's arguments: a flag without its value would take the next argument for it.
      "--no-prompt",
      ...permissions.flags,
      ...this.#controlFlags() ?? [],
      modules.length === 0 ? this.#child : mainModuleOf(this.#child, modules),
    ];
  }

  #configArgs(config: string | undefined): string[] {
    if (this.#denoArgs.config !== undefined) return [];
    // Without it, Deno would use the configuration of the subprocess's own main module.
    return config === undefined ? ["--no-config"] : ["--config", config];
  }

  /** Uses the lock file of the job's project, frozen: modules that are not in it are refused, and it is not changed. */
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
    // If the user unfreezes it, Deno may write to it, so it must be the project's own file.
    return [`--lock=${hasFrozen ? lock : this.#locks.of(lock)}`, ...frozen];
  }
}

/** Limits V8's heap as well, which V8 enforces at once rather than at the next measurement. */
function heapLimit(bytes: number): string {
  const megabytes = Math.max(1, Math.floor(bytes / 1024 / 1024));
  return `--v8-flags=--max-old-space-size=${megabytes}`;
}

/**
 * Generates a main module whose static graph contains the modules of jobs: importing
 * them later needs no permission, and they are not evaluated earlier.
 *
 * Rejected: `--preload`, which evaluates a module before its time limit is known,
 * and waits for every timer and connection that the module leaves open.
 */
function mainModuleOf(child: string, modules: readonly string[]): string {
  const imports = modules.map((url) => `import(${JSON.stringify(url)})`);
  const code = `import ${JSON.stringify(child)}; if (0) ${imports.join(",")};`;
  return `data:application/javascript,${encodeURIComponent(code)}`;
}

/** Whether the subprocess's main module is the file beside this one, or this compiled program itself. */
export function isOwnChild(options: LaunchOptions): boolean {
  if (options.childUrl !== undefined) return false;
  return Deno.build.standalone || import.meta.url.startsWith("file:");
}

function defaultChildUrl(): string {
  return Deno.build.standalone
    ? `jsr:@deno-rq/rq@${VERSION}/child`
    : new URL("./child.ts", import.meta.url).href;
}
