/** The three systems under one shape: how each enqueues, runs and counts. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Program } from "./children.ts";
import { DriverProcess } from "./driver_process.ts";
import type { Peer } from "./peers.ts";

/** What a system is called. */
export type SystemName = "ours" | "rq" | "bullmq";

/** All systems, in the order in which they take turns. */
export const SYSTEM_NAMES: readonly SystemName[] = ["ours", "rq", "bullmq"];

/** Where a job runs: a process of its own, one that is used again, or one with many others (of BullMQ, the worker itself). */
export type Isolation = "process" | "reuse" | "shared";

/** Why there is no result; the reason is shown. */
export class NotApplicable extends Error {
  override readonly name = "NotApplicable";
}

/** One system. */
export interface System {
  readonly name: SystemName;
  readonly driver: DriverProcess;
  /** The sorted set whose members are the jobs that have finished. */
  readonly finishedKey: string;
  /** The list of jobs that wait for a worker. */
  readonly waitingKey: string;
  /** The sorted set whose members are the jobs that are not due yet. */
  readonly scheduledKey: string;
  /** The isolation that costs least, for what does not depend on it. */
  readonly lightest: Isolation;
  /**
   * The workers that together run so many jobs at once.
   *
   * @param schedules Whether they queue delayed jobs as well, where that has to be asked for.
   * @throws {NotApplicable} if the system cannot
   */
  workers(
    isolation: Isolation,
    concurrency: number,
    schedules?: boolean,
  ): Program[];
  /**
   * A worker that leaves once its queue is empty.
   *
   * @throws {NotApplicable} if the system has none
   */
  burstWorker(): Program;
}

const JOBS = fileURLToPath(new URL("./systems/jobs", import.meta.url));
const SYSTEMS = dirname(JOBS);
const WORKER = fileURLToPath(new URL("../../worker.ts", import.meta.url));

/** The flags of `deno run` with which a program finds the packages that this one found. */
export function denoFlags(): string[] {
  if (import.meta.resolve("@db/redis").startsWith("jsr:")) return ["-A"];
  const map = new URL("../../.ci/npm/import_map.json", import.meta.url);
  return ["-A", `--import-map=${fileURLToPath(map)}`];
}

/** This project. */
export function ourSystem(port: number, driver: string): System {
  const deno = Deno.execPath();
  const start = ["run", "--quiet", ...denoFlags()];
  const url = `redis://127.0.0.1:${port}`;
  const worker = (flags: readonly string[]): Program => ({
    command: deno,
    args: [
      ...start,
      ...[WORKER, "--queues", "bench", "--url", url, "--quiet"],
      ...["--driver", driver, ...flags],
    ],
    cwd: JOBS,
  });
  return {
    name: "ours",
    finishedKey: "rq:finished:bench",
    waitingKey: "rq:queue:bench",
    scheduledKey: "rq:scheduled:bench",
    lightest: "reuse",
    driver: new DriverProcess({
      command: deno,
      args: [...start, join(SYSTEMS, "ours.ts"), String(port), driver],
      cwd: JOBS,
    }),
    workers: (isolation, concurrency) => {
      const many = ["--concurrency", String(concurrency)];
      return [worker(["--isolation", isolation, ...many])];
    },
    burstWorker: () => worker(["--burst"]),
  };
}

/** Python's RQ. */
export function rqSystem(port: number, peer: Peer): System {
  if ("reason" in peer) throw new NotApplicable(peer.reason);
  const python = peer.path;
  const worker = (flags: readonly string[]): Program => ({
    command: python,
    args: [
      ...["-c", "from rq.cli import main; main()", "worker", "bench"],
      ...["--url", `redis://127.0.0.1:${port}`, "--quiet"],
      ...["--serializer", "json", "--path", ".", ...flags],
    ],
    cwd: JOBS,
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  });
  return {
    name: "rq",
    finishedKey: "rq:finished:bench",
    waitingKey: "rq:queue:bench",
    scheduledKey: "rq:scheduled:bench",
    lightest: "reuse",
    driver: new DriverProcess({
      command: python,
      args: [join(SYSTEMS, "rq.py"), String(port)],
      cwd: JOBS,
      env: { PYTHONDONTWRITEBYTECODE: "1" },
    }),
    workers: (isolation, concurrency, schedules = false) => {
      if (isolation === "shared" && concurrency > 1) {
        throw new NotApplicable("one job at a time in a process");
      }
      const flags = isolation === "process"
        ? []
        : ["--worker-class", "rq.SimpleWorker"];
      if (schedules) flags.push("--with-scheduler");
      return Array.from({ length: concurrency }, () => worker(flags));
    },
    burstWorker: () => worker(["--burst"]),
  };
}

/** BullMQ under Node. */
export function bullmqSystem(port: number, peer: Peer): System {
  if ("reason" in peer) throw new NotApplicable(peer.reason);
  const env = { BULLMQ_HOME: peer.path };
  return {
    name: "bullmq",
    finishedKey: "bull:bench:completed",
    waitingKey: "bull:bench:wait",
    scheduledKey: "bull:bench:delayed",
    lightest: "shared",
    driver: new DriverProcess({
      command: "node",
      args: [join(SYSTEMS, "bullmq.mjs"), String(port)],
      cwd: JOBS,
      env,
    }),
    workers: (isolation, concurrency) => {
      const mode = isolation === "shared" ? "inline" : "sandbox";
      const script = join(SYSTEMS, "bullmq_worker.mjs");
      return [{
        command: "node",
        args: [script, String(port), mode, String(concurrency)],
        cwd: JOBS,
        env,
      }];
    },
    burstWorker: () => {
      throw new NotApplicable("no burst mode");
    },
  };
}
