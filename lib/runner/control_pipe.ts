/**
 * The control pipe, on which a subprocess receives its worker's messages. Where possible it is not stdin.
 *
 * A program that a job starts may inherit stdin, as with `stdio: "inherit"` of `node:child_process`, and would read
 * the worker's messages from it. So a shell moves the pipe to another file descriptor and puts `/dev/null` in
 * its place; the subprocess opens that descriptor anew, with close-on-exec, and gives up the permission that this
 * takes. (The descriptor itself is still inherited, but no program reads it by accident.)
 *
 * Where there is no shell, as on Windows, or no permission for it, the pipe is stdin; then a program that
 * inherits it can take what is meant for the job. The worker begins a job again of which it hears nothing.
 *
 * Rejected: an IPC channel of `node:child_process`, whose modules take longer to load than all else;
 * a socket, which takes a permission that cannot be given back.
 *
 * @module
 */

import { CONTROL_FD, CONTROL_PATH } from "./protocol.ts";

/** What the shell does before it gives its place to a program. */
export const MOVE_CONTROL: string = `exec "$@" ${CONTROL_FD}<&0 </dev/null`;

const ALL = ["-A", "--allow-all", "--allow-read"];

/**
 * What has to be added to the permission flags of a subprocess so that it can open
 * its control pipe; `undefined` if they deny that in any case.
 */
export function controlFlags(flags: readonly string[]): string[] | undefined {
  const denied = flags.some((flag) =>
    /^--(deny|ignore)-read(=(.*,)?\/(dev(\/.*)?)?(,.*)?)?$/.test(flag)
  );
  if (denied) return undefined;
  return flags.some((flag) => ALL.includes(flag))
    ? []
    : [`--allow-read=${CONTROL_PATH}`];
}
