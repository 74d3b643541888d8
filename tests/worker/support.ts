/** What the tests of the passes in the background share. */

import type { RedisClient, RedisReply } from "../../lib/redis/redis_client.ts";
import type { Script } from "../../lib/redis/script.ts";
import { SweepStore } from "../../lib/store/sweep_store.ts";
import type { Execution } from "../../lib/store/worker_types.ts";
import { releasedEnd, requeuedEnd } from "../../lib/worker/ends.ts";
import type { RunEnd } from "../../lib/worker/execution.ts";
import type { SteadyLog } from "../../lib/worker/log.ts";
import { type Bench, newJob } from "../store/support.ts";

/** A log that remembers. */
export function memoryLog(): SteadyLog & { readonly lines: string[] } {
  const lines: string[] = [];
  const log = (text: string) => void lines.push(text);
  const takes = () => true;
  return { lines, takes, debug: log, info: log, warn: log, error: log };
}

/** Jobs `job-0`, … of a worker that is dead and whose leases ran out. */
export async function abandoned(
  bench: Bench,
  count: number,
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `job-${i}`);
  await bench.jobs.enqueueMany(ids.map((id) => newJob(id)));
  const worker = await bench.worker("dead");
  for (let claimed = 0; claimed < count;) {
    const { executions } = await bench.workers.claim(worker, { jobs: 50 });
    claimed += executions.length;
  }
  const members = await bench.members("rq:wip:q");
  await bench.send("ZADD", "rq:wip:q", ...members.flatMap((m) => [1, m]));
  return ids;
}

/** A store whose every call of one script waits for `gate`; `called` is told of each. */
export function gated(
  bench: Bench,
  script: Script,
  gate: Promise<void>,
  called: () => void,
): SweepStore {
  const client: RedisClient = {
    url: bench.client.url,
    blocking: () => bench.client.blocking(),
    subscribe: (channel, onMessage) =>
      bench.client.subscribe(channel, onMessage),
    close: () => bench.client.close(),
    [Symbol.asyncDispose]: () => bench.client.close(),
    async send(command, args, options): Promise<RedisReply> {
      if (args?.[0] === script.sha) {
        called();
        await gate;
      }
      return await bench.client.send(command, args, options);
    },
  };
  return new SweepStore(client, bench.keys);
}

/** How many commands the server has carried out since the last look, those in scripts included. */
export async function commandCount(bench: Bench): Promise<number> {
  const info = String(await bench.send("INFO", "commandstats"));
  await bench.send("CONFIG", "RESETSTAT");
  let total = 0;
  for (const [, name, calls] of info.matchAll(/cmdstat_(\S+):calls=(\d+)/g)) {
    if (!/^(info|config)/.test(name!)) total += Number(calls);
  }
  return total;
}

/** The end of a run in which nothing went wrong. */
export function succeeded(execution: Execution): RunEnd {
  const end = { ...requeuedEnd(execution), workedMs: 0.1 };
  return { hasBegun: true, end: { ...end, outcome: "finished" } };
}

/** The end of one for which there was no process. */
export function unstarted(execution: Execution): RunEnd {
  const end = releasedEnd(execution, 0);
  return { hasBegun: false, fault: "No process", end };
}
