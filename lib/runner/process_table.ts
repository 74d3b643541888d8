/**
 * What the machine tells about the processes that run on it.
 *
 * @module
 */

/** A process. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** The id of its process group. */
  readonly group: number;
  /** The id of its session; the group's where that is not told. */
  readonly session: number;
  /** Bytes of memory that are in use and in the machine. */
  readonly memory: number;
}

/**
 * Lists all processes: on Linux as `/proc` has them, elsewhere, or where this process may not read that, as `ps` does.
 *
 * @throws {Error} if there is neither
 */
export async function listProcesses(): Promise<ProcessEntry[]> {
  return listProc() ?? await listByPs();
}

/** Tells whether a process has, or ever had, a child of its own. True if that cannot be told. */
export function mayHaveChildren(pid: number): boolean {
  const fields = readStat(pid);
  // A zombie no longer knows, and what its children took is counted once they have been waited for.
  if (fields === undefined || fields[0] === "Z" || fields[8] !== "0") {
    return true;
  }
  try {
    // Each child is in the list of the thread that has started it.
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      const list = `/proc/${pid}/task/${name}/children`;
      if (Deno.readTextFileSync(list) !== "") return true;
    }
    return false;
  } catch {
    return true;
  }
}

function listProc(): ProcessEntry[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const own = readStat(Deno.pid);
  if (own === undefined) return undefined;
  const pageSize = readPageSize();
  const entries: ProcessEntry[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    const fields = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (fields === undefined) continue;
    const [, parent, group, session] = fields.map(Number);
    const memory = Number(fields[21]) * pageSize;
    entries.push({
      pid,
      parent: parent!,
      group: group!,
      session: session!,
      memory,
    });
  }
  return entries;
}

/** The fields from the state on; nothing if there is no such process, or it may not be looked at. */
function readStat(pid: number): string[] | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name before it may contain anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

let pageSize: number | undefined;

/** Of the list of what the kernel tells each program about the machine. */
function readPageSize(): number {
  if (pageSize !== undefined) return pageSize;
  const PAGE_SIZE = 6n;
  const words = new BigUint64Array(Deno.readFileSync("/proc/self/auxv").buffer);
  for (let i = 0; i + 1 < words.length; i += 2) {
    if (words[i] === PAGE_SIZE) return pageSize = Number(words[i + 1]);
  }
  return pageSize = 4096;
}

async function listByPs(): Promise<ProcessEntry[]> {
  const args = ["-A", "-o", "pid=,ppid=,pgid=,rss="];
  const { success, stdout, stderr } = await new Deno.Command("ps", {
    args,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`ps: ${decoder.decode(stderr).trim()}`);
  const lines = decoder.decode(stdout).trim().split("\n");
  return lines.map((line) => {
    const [pid, parent, group, kilobytes] = line.trim().split(/\s+/)
      .map(Number) as [number, number, number, number];
    return { pid, parent, group, session: group, memory: kilobytes * 1024 };
  });
}
