/**
 * Starting a program in a process group of its own.
 *
 * @module
 */

import { isVisibleFile } from "../base/files.ts";
import { MOVE_CONTROL } from "./control_pipe.ts";

/** Where util-linux's `setsid` is. */
const SETSID = ["/usr/bin/setsid", "/bin/setsid"];
const SHELL = "/bin/sh";

let setsid: string | null | undefined;
let shell: boolean | undefined;

/** What is started, and how. */
interface Start {
  readonly command: string;
  readonly options: { args: string[]; detached: boolean };
}

/**
 * The command that starts a program as the leader of a process group, so that a signal to the group reaches
 * everything that it starts.
 *
 * It uses `setsid`, which replaces itself by the program under the same process id. Deno's `detached` forks for
 * this, which copies the memory map of the whole process: with 200 MB in use, a start blocked the event loop
 * for 25 ms; by `setsid`, for 0.3 ms.
 *
 * @param moveStdin whether what is its stdin here is to be its control pipe, where {@linkcode canMoveStdin} says so
 */
export function inOwnGroup(
  command: string,
  args: readonly string[],
  { moveStdin = false }: { readonly moveStdin?: boolean } = {},
): Start {
  setsid ??= findSetsid();
  const all = moveStdin
    ? [SHELL, "-c", MOVE_CONTROL, "sh", command, ...args]
    : [command, ...args];
  const [first = command, ...rest] = setsid === null ? all : [setsid, ...all];
  return {
    command: first,
    options: { args: rest, detached: setsid === null },
  };
}

/** Whether there is a shell that can move the stdin of a program elsewhere. */
export function canMoveStdin(): boolean {
  return shell ??= Deno.build.os !== "windows" && mayRun(SHELL) &&
    isVisibleFile(SHELL);
}

function findSetsid(): string | null {
  if (Deno.build.os !== "linux") return null;
  return SETSID.find((command) => mayRun(command) && isVisibleFile(command)) ??
    null;
}

function mayRun(command: string): boolean {
  const status = Deno.permissions.querySync({ name: "run", command });
  return status.state === "granted";
}
