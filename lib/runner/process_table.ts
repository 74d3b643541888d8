/**
 * Reads the operating system's table of processes.
 *
 * @module
 */

/** A process. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** The id of its process group. */
  readonly group: number;
  /** The id of its session; that of the group where the session is unknown. */
  readonly session: number;
  /** The resident memory, in bytes. */
  readonly memory: number;
}

/**
 * Lists all processes: on Linux from `/proc`; elsewhere, or without the permission to read it, by `ps`.
 *
 * @throws {Error} If neither is available.
 */
export async function listProcesses(): Promise<ProcessEntry[]> {
  return listProc() ?? await listByPs();
}

/** The parent of a process; 0 for one whose parent is outside of the container. Nothing if it cannot be told. */
export function parentOf(pid: number): number | undefined {
  const parent = readStat(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
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

/** The fields of `stat` from the state on; `undefined` if the process does not exist or must not be read. */
function readStat(pid: number): string[] | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name before them may contain anything, even spaces and parentheses.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

let pageSize: number | undefined;

/** The size of a memory page, from the auxiliary vector. */
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
