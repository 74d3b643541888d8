/**
 * How a subprocess is started: from a file, from a registry, or by a compiled
 * program that starts itself.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { VERSION } from "../base/version.ts";
import { controlFlags } from "./control_pipe.ts";
import { canMoveStdin } from "./own_group.ts";
import { canImport, type ChildPermissions } from "./permissions.ts";
import { CHILD_ARGUMENT, CONTROL_ARGUMENT, CONTROL_PATH } from "./protocol.ts";
import { nearestConfig, type ResolvedFunc } from "./resolve.ts";

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
  /** Further arguments of `deno run`, such as `--v8-flags=--max-old-space-size=512`. @default [] */
  readonly denoArgs?: readonly string[];
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
}

/** Decides how the subprocesses of a runner are started. */
export class LaunchPlan {
  readonly #options: LaunchOptions;
  #last: Launch | undefined;
  #own: string | undefined;

  /** Plans by the options of the runner. */
  constructor(options: LaunchOptions) {
    this.#options = options;
  }

  /** How the subprocess of a job is started. */
  of(target: ResolvedFunc): Launch {
    const { permissions } = this.#options;
    const generic = this.#startsItself() ||
      canImport(permissions, target.url, target.config);
    return this.#launch(target.config, generic ? [] : [target.url]);
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
    const config = nearestConfig(path) ?? nearestConfig(Deno.cwd());
    const anyModule = pathToFileURL(join(path, "mod.ts")).href;
    return this.#startsItself() ||
        canImport(this.#options.permissions, anyModule, config)
      ? this.#launch(config, [])
      : undefined;
  }

  #startsItself(): boolean {
    return Deno.build.standalone && this.#options.execPath === undefined;
  }

  #launch(
    config: string | undefined,
    modules: readonly string[],
  ): Launch {
    const command = this.#options.execPath ?? (this.#own ??= Deno.execPath());
    const controlApart = this.#controlFlags() !== undefined;
    const args = this.#startsItself()
      ? [CHILD_ARGUMENT]
      : this.#denoArgs(config, modules);
    if (controlApart) args.push(CONTROL_ARGUMENT);
    const generic = modules.length === 0;
    return { key: args.join("\0"), command, args, generic, controlApart };
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

  #denoArgs(
    config: string | undefined,
    modules: readonly string[],
  ): string[] {
    const child = this.#options.childUrl ?? defaultChildUrl();
    return [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-lock",
      // Without one, that of the subprocess's own main module must not apply.
      ...(config === undefined ? ["--no-config"] : ["--config", config]),
      ...(this.#options.denoArgs ?? []),
      ...this.#options.permissions.flags,
      ...this.#controlFlags() ?? [],
      modules.length === 0 ? child : mainModuleOf(child, modules),
    ];
  }
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

function defaultChildUrl(): string {
  return Deno.build.standalone
    ? `jsr:@deno-rq/rq@${VERSION}/child`
    : new URL("./child.ts", import.meta.url).href;
}
