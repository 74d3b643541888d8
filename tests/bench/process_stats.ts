/** What the kernel says of a process and its descendants; nothing where there is no `/proc`. */

import { childrenOf, readProc } from "../support/proc.ts";

/** A process with its descendants. */
export interface TreeStats {
  /** Seconds of CPU, with those of children that have ended and were waited for. */
  readonly cpuSeconds: number;
  /** Resident memory of the first process, in bytes. */
  readonly residentBytes: number;
  /** Resident memory of its largest descendant, in bytes; 0 if it has none. */
  readonly largestChildBytes: number;
}

/** Clock ticks in a second, as in every Linux of today. */
const TICKS = 100;

/** Reads a process with its descendants; `undefined` if it is gone or there is no `/proc`. */
export function treeStats(pid: number): TreeStats | undefined {
  const own = statsOf(pid);
  if (own === undefined) return undefined;
  let { cpuSeconds } = own;
  let largestChildBytes = 0;
  for (const child of descendants(pid)) {
    const stats = statsOf(child);
    if (stats === undefined) continue;
    cpuSeconds += stats.cpuSeconds;
    largestChildBytes = Math.max(largestChildBytes, stats.residentBytes);
  }
  return { cpuSeconds, residentBytes: own.residentBytes, largestChildBytes };
}

/** Several trees as one: CPU is added up, memory is that of the largest. */
export function forestStats(pids: readonly number[]): TreeStats | undefined {
  const trees = pids.flatMap((pid) => treeStats(pid) ?? []);
  if (trees.length === 0) return undefined;
  return {
    cpuSeconds: trees.reduce((sum, tree) => sum + tree.cpuSeconds, 0),
    residentBytes: Math.max(...trees.map((tree) => tree.residentBytes)),
    largestChildBytes: Math.max(...trees.map((tree) => tree.largestChildBytes)),
  };
}

function statsOf(
  pid: number,
): { cpuSeconds: number; residentBytes: number } | undefined {
  const stat = readProc(`${pid}/stat`);
  const status = readProc(`${pid}/status`);
  if (stat === undefined || status === undefined) return undefined;
  // The name, in parentheses, may hold anything; the state is the third field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? "0";
  return {
    cpuSeconds: ticks / TICKS,
    residentBytes: Number(resident) * 1_024,
  };
}

function descendants(pid: number): number[] {
  const found: number[] = [];
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const children = childrenOf(next);
    found.push(...children);
    open.push(...children);
  }
  return found;
}
