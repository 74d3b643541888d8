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

/** What a process has used since it was started. */
export interface ProcessUsage {
  /** The most memory that it had, in bytes. */
  readonly peakMemory: number;
  /** The processor time of it and of what it has started and waited for, in seconds. */
  readonly cpuSeconds: number;
}

/** What a process has used; nothing if that cannot be told, as on other systems than Linux. */
export function usageOf(pid: number): ProcessUsage | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const times = readStat(pid)?.slice(11, 15).map(Number);
  const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readProc(pid, "status") ?? "")?.[1];
  if (times === undefined || peak === undefined) return undefined;
  const ticks = times.reduce((sum, some) => sum + some, 0);
  clockTicks ??= readAuxiliary(CLOCK_TICKS) ?? 100;
  return { peakMemory: Number(peak) * 1024, cpuSeconds: ticks / clockTicks };
}

function listProc(): ProcessEntry[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const own = readStat(Deno.pid);
  if (own === undefined) return undefined;
  pageSize ??= readAuxiliary(PAGE_SIZE) ?? 4096;
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
  const stat = readProc(pid, "stat");
  // The name before them may contain anything, even spaces and parentheses.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function readProc(pid: number, file: "stat" | "status"): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined;
  }
}

/** What the auxiliary vector has under these keys: the size of a memory page, and the clock ticks of a second. */
const [PAGE_SIZE, CLOCK_TICKS] = [6n, 17n];
let pageSize: number | undefined;
let clockTicks: number | undefined;

function readAuxiliary(key: bigint): number | undefined {
  const words = new BigUint64Array(Deno.readFileSync("/proc/self/auxv").buffer);
  for (let i = 0; i + 1 < words.length; i += 2) {
    if (words[i] === key) return Number(words[i + 1]);
  }
  return undefined;
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
