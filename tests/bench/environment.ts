/** Where a run took place. */

import { canBeUndisturbed } from "./priority.ts";
import type { Probe } from "./probe.ts";
import type { System } from "./systems.ts";

/** The machine, its load, and every version. */
export type Environment = Readonly<Record<string, string>>;

/** Looks at the machine, the server and the systems. */
export async function readEnvironment(
  systems: readonly System[],
  probe: Probe,
  driver: string,
): Promise<Environment> {
  const server = await probe.info("server");
  const versions: Record<string, string> = {};
  for (const system of systems) {
    Object.assign(
      versions,
      await system.driver.call<Record<string, string>>("versions"),
    );
  }
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " ") + " UTC",
    cores: String(navigator.hardwareConcurrency),
    "load average": loadAverage(),
    cpu: await cpuModel(),
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    redis: server.get("redis_version") ?? "unknown",
    "redis priority": await canBeUndisturbed(probe)
      ? "real-time, in the long queue's measurement"
      : "ordinary",
    driver,
    ...versions,
  };
}

/** The load of the last 1, 5 and 15 minutes. */
export function loadAverage(): string {
  return Deno.loadavg().map((load) => load.toFixed(2)).join(" ");
}

async function cpuModel(): Promise<string> {
  if (Deno.build.os !== "linux") return "unknown";
  const text = await Deno.readTextFile("/proc/cpuinfo");
  return /^model name\s*: (.*)$/m.exec(text)?.[1] ?? "unknown";
}
