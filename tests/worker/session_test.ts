import { assertEquals } from "@std/assert";
import { CLAIM } from "../../lib/store/scripts/claim.ts";
import { FINISH } from "../../lib/store/scripts/finish.ts";
import { Worker } from "../../worker.ts";
import { Bench } from "../store/support.ts";
import { waitFor } from "../support/wait_for.ts";
import { memoryLog } from "./support.ts";

Deno.test("a worker makes the server know the scripts that it sends together before it takes a job", async () => {
  await using bench = await Bench.open();
  const log = memoryLog();
  const worker = new Worker("q", { connection: bench.server.url, log });
  const done = worker.work();
  await waitFor(() => log.lines.some((line) => line.includes("Listening on")));
  // No job has ended yet: nobody else has loaded the script that records ends.
  assertEquals(
    await bench.send("SCRIPT", "EXISTS", FINISH.sha, CLAIM.sha),
    [1, 1],
  );
  worker.stop();
  await done;
});
