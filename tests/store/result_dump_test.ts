import { assert, assertEquals } from "@std/assert";
import { texts } from "../../lib/store/replies.ts";
import { dumpResult, MAX_DUMPED } from "../../lib/store/result_dump.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { connect } from "../../lib/redis/connect.ts";
import { Bench, endOne } from "./support.ts";

const TIME = 1_795_792_236_123;
const LENGTHS = [0, 1, 62, 63, 64, 65, 125, 126, 127, 128, 129, MAX_DUMPED];

Deno.test("dumpResult() gives the stream that XADD makes, whatever the length of the result", async () => {
  await using bench = await Bench.open();
  for (const length of LENGTHS) {
    const text = "Ab1=".repeat(length / 4 + 1).slice(0, length);
    const { bytes, from, to } = dumpResult(text, TIME);
    assertEquals(new TextDecoder().decode(bytes.subarray(from - 1, to)), text);
    await bench.send("RESTORE", "restored", 0, bytes, "REPLACE");
    const value = length === 0 ? [] : ["return_value", text];
    await bench.send("DEL", "added");
    await bench.send("XADD", "added", `${TIME}-0`, "type", 1, ...value);
    for (const key of ["restored", "added"]) {
      // Both take a further entry, as of a job that is run again.
      await bench.send("XADD", key, `${TIME + 1}-0`, "type", 2, "x", "y");
    }
    const [restored, added] = await Promise.all(
      ["restored", "added"].map(async (key) => [
        await bench.send("XRANGE", key, "-", "+"),
        await bench.send("XREVRANGE", key, "+", "-"),
        texts(await bench.send("XINFO", "STREAM", key)).slice(0, 12),
      ]),
    );
    assertEquals(restored, added, `a result of ${length} characters`);
  }
});

Deno.test("a stored result takes no more memory than it needs", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.run(worker);
  const bytes = await bench.send("MEMORY", "USAGE", "rq:results:a") as number;
  assert(bytes < 1_000, `${bytes} bytes`);
});

Deno.test("the entry of a result has the server's time, also where the worker's clock is wrong", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  const execution = await bench.claim(worker);
  const clock = Date.now;
  Date.now = () => 1_000_000_000_000;
  try {
    await bench.end(worker, execution);
  } finally {
    Date.now = clock;
  }
  const [seconds] = texts(await bench.send("TIME"));
  const { latest } = await bench.jobs.state("a");
  const millis = Number(latest!.entryId.split("-")[0]);
  assert(Math.abs(millis / 1_000 - Number(seconds)) < 5, latest!.entryId);
});

Deno.test("a job that has results already keeps them beside the new one", async () => {
  await using bench = await Bench.open();
  const worker = await bench.worker();
  await bench.add("a");
  await bench.send("XADD", "rq:results:a", "5-0", "type", 4);
  await bench.run(worker, { payload: btoa(`"new"`) });
  const entries = await bench.send("XRANGE", "rq:results:a", "-", "+") as [
    string,
    string[],
  ][];
  assertEquals(entries.map(([, fields]) => fields.slice(0, 6)), [
    ["type", "4"],
    ["type", "1", "return_value", btoa(`"new"`), "worker_name", "w1"],
  ]);
  assert(await bench.ttl("rq:results:a") > 400);
});

Deno.test("a server that forbids RESTORE and DUMP stores results all the same", async () => {
  await using bench = await Bench.open();
  await bench.send(
    ...["ACL", "SETUSER", "plain", "on", ">pw", "~*", "&*"] as const,
    ...["+@all", "-restore", "-dump"],
  );
  const url = bench.server.url.replace("redis://", "redis://plain:pw@");
  await using client = connect(url);
  const workers = new WorkerStore(client, bench.keys);
  const worker = await bench.worker();
  for (const [id, payload] of [["a", btoa("[1]")], ["b", ""]] as const) {
    await bench.add(id);
    const { executions: [execution] } = await workers.claim(worker, {
      jobs: 1,
    });
    const ending = { outcome: "finished", ttl: 500, payload, workedMs: 1 };
    const answer = await endOne(workers, worker, execution!, {
      ...ending,
      outcome: "finished",
    });
    assertEquals(answer, "finished");
    const { latest } = await bench.jobs.state(id);
    assertEquals([latest?.type, latest?.returnValue ?? ""], [1, payload]);
  }
});
