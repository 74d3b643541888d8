/** What `/proc` tells of processes. It imports nothing, so that programs that tests start can use it as it is. */

/** Whether a process is running. A zombie is not. */
export function isAlive(pid: number): boolean {
  const stat = readProc(`${pid}/stat`);
  // The name in parentheses may contain anything, also parentheses.
  const state = stat?.slice(stat.lastIndexOf(")") + 2).charAt(0);
  return state !== undefined && !["Z", "X"].includes(state);
}

/**
 * The ids of a process's children, zombies included.
 *
 * Rejected: looking for them in all of `/proc`, which reads a file of every process of the machine each time, and a test
 * that waits looks a hundred times a second.
 */
export function childrenOf(pid: number): number[] {
  // A child belongs to the thread that started it.
  const threads = whereItIs(() => [...Deno.readDirSync(`/proc/${pid}/task`)]);
  return (threads ?? []).flatMap(({ name }) =>
    (readProc(`${pid}/task/${name}/children`) ?? "").split(" ")
      .filter((text) => text.trim() !== "").map(Number)
  );
}

/** The command line of a process, its parts separated by NUL; empty if it has ended. */
export function commandOf(pid: number): string {
  return readProc(`${pid}/cmdline`) ?? "";
}

/** Reads a file under `/proc`; nothing if its process is gone. */
export function readProc(path: string): string | undefined {
  return whereItIs(() => Deno.readTextFileSync(`/proc/${path}`));
}

/** Processes come and go while they are looked at. */
function whereItIs<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      // It ended between opening and reading.
      (error instanceof Error && error.message.includes("os error 3"));
    if (isGone) return undefined;
    throw error;
  }
}
