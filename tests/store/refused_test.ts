/** What never gets through to Redis harms nobody who shares a call with it. */

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/redis/connect.ts";
import { CallRefusedError } from "../../lib/redis/redis_client.ts";
import { JobStore } from "../../lib/store/job_store.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { Proxy } from "../redis/support.ts";
import { Bench, newJob } from "./support.ts";

/** A client whose connection is cut at whatever says so. */
function cutAt(port: number, what: string) {
  const proxy = new Proxy(port);
  const decoder = new TextDecoder();
  proxy.cutsAt = (bytes) => decoder.decode(bytes).includes(what);
  return { proxy, client: connect(`redis://127.0.0.1:${proxy.port}`) };
}

Deno.test("of ends that go together only the one that is cut off is refused", async () => {
  await using bench = await Bench.open();
  const { proxy, client } = cutAt(bench.server.port, "poison");
  await using _proxy = proxy;
  await using _client = client;
  const worker = await bench.worker();
  for (const id of ["a", "b", "c"]) await bench.add(id);
  const { executions } = await bench.workers.claim(worker, { jobs: 3 });
  const store = new WorkerStore(client, bench.keys);
  const ends = await Promise.allSettled(
    store.end(
      worker,
      executions.map((execution) => ({
        execution,
        outcome: "finished",
        ttl: 500,
        payload: execution.job.id === "b" ? "poison" : "MQ==",
        workedMs: 1,
      })),
      "idle",
    ),
  );
  const [a, b, c] = ends.map((end) =>
    end.status === "fulfilled" ? end.value : end.reason
  );
  assertEquals([a, c], ["finished", "finished"]);
  assert(b instanceof CallRefusedError, String(b));
  const statuses = ["a", "b", "c"].map((id) => bench.status(id));
  assertEquals(await Promise.all(statuses), [
    "finished",
    "started",
    "finished",
  ]);
});

Deno.test("ends that are sent one by one after a refusal leave a worker busy that has claimed since", async () => {
  await using bench = await Bench.open();
  const { proxy, client } = cutAt(bench.server.port, "poison");
  await using _proxy = proxy;
  await using _client = client;
  const worker = await bench.worker();
  for (const id of ["a", "b"]) await bench.add(id);
  const { executions } = await bench.workers.claim(worker, { jobs: 2 });
  await bench.add("c");
  const store = new WorkerStore(client, bench.keys);
  const ends = executions.map((execution) => ({
    execution,
    outcome: "finished" as const,
    ttl: 500,
    payload: execution.job.id === "b" ? "poison" : "MQ==",
    workedMs: 1,
  }));
  const { ended, claimed } = store.endAndClaim(worker, ends, "idle", {
    jobs: 1,
  });
  await Promise.allSettled([...ended, claimed]);
  assertEquals(
    await bench.send("HMGET", "rq:worker:w1", "state", "current_job"),
    ["busy", "c"],
  );
});

Deno.test("of jobs that go together only the one that is cut off is refused", async () => {
  await using bench = await Bench.open();
  const { proxy, client } = cutAt(bench.server.port, "poison");
  await using _proxy = proxy;
  await using _client = client;
  const store = new JobStore(client, bench.keys);
  const jobs = ["a", "poison", "c"].map((id) => newJob(id));
  const [a, b, c] = await store.enqueueMany(jobs);
  assertEquals([a?.status, c?.status], ["fulfilled", "fulfilled"]);
  assert(b?.status === "rejected" && b.reason instanceof CallRefusedError);
  assertEquals(await bench.queued(), ["a", "c"]);
});
