/** What the server says of its own work. */

import type { Probe } from "./probe.ts";

/** A reading; two of them make a difference. */
export interface ServerStats {
  readonly cpuSeconds: number;
  readonly usedBytes: number;
  /** Calls and microseconds by command, those made by scripts included. */
  readonly commands: ReadonlyMap<string, CommandStats>;
}

/** What one command has cost. */
export interface CommandStats {
  readonly calls: number;
  readonly micros: number;
}

/** Commands of whoever looks on. */
const WATCHING: ReadonlySet<string> = new Set([
  "zcard",
  "info",
  "memory|usage",
]);

const SCRIPTS: readonly string[] = ["evalsha", "eval", "fcall"];

/** Reads it. */
export async function readServer(probe: Probe): Promise<ServerStats> {
  const cpu = await probe.info("cpu");
  const memory = await probe.info("memory");
  const commands = new Map<string, CommandStats>();
  for (const [name, text] of await probe.info("commandstats")) {
    const command = name.replace(/^cmdstat_/, "");
    if (WATCHING.has(command)) continue;
    const [, calls, micros] = /calls=(\d+),usec=(\d+)/.exec(text) ?? [];
    commands.set(command, { calls: Number(calls), micros: Number(micros) });
  }
  const seconds = (field: string) => Number(cpu.get(field) ?? 0);
  return {
    cpuSeconds: seconds("used_cpu_user") + seconds("used_cpu_sys"),
    usedBytes: Number(memory.get("used_memory") ?? 0),
    commands,
  };
}

/** How many commands were carried out between two readings. */
export function commandsBetween(from: ServerStats, to: ServerStats): number {
  return [...to.commands.keys()]
    .reduce((sum, name) => sum + spent(from, to, name).calls, 0);
}

/** Microseconds between two readings: those of scripts where there are any, which include what they call. */
export function microsBetween(from: ServerStats, to: ServerStats): number {
  const add = (names: Iterable<string>) =>
    [...names].reduce((sum, name) => sum + spent(from, to, name).micros, 0);
  const scripts = add(SCRIPTS);
  return scripts > 0 ? scripts : add(to.commands.keys());
}

function spent(from: ServerStats, to: ServerStats, name: string): CommandStats {
  const before = from.commands.get(name) ?? { calls: 0, micros: 0 };
  const after = to.commands.get(name) ?? { calls: 0, micros: 0 };
  return {
    calls: after.calls - before.calls,
    micros: after.micros - before.micros,
  };
}

/** Milliseconds of each script in the server's slow log; wall clock, so that others on its core show in them. */
export async function slowScripts(probe: Probe): Promise<number[]> {
  const entries = await probe.send("SLOWLOG", "GET", -1);
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry) => {
    const [, , micros, command] = Array.isArray(entry) ? entry : [];
    const name = Array.isArray(command) ? String(command[0]) : "";
    return SCRIPTS.includes(name.toLowerCase()) ? [Number(micros) / 1_000] : [];
  });
}
