/** Changes of a job that cannot be carried out leave it as it is, in its place. */

import { assertEquals, assertRejects } from "@std/assert";
import { ReplyError } from "../../lib/redis/redis_client.ts";
import { JOB, QUEUE, type Scene, setScene, STATES } from "./job_states.ts";
import { Bench } from "./support.ts";

Deno.test.each<
  [
    change: string,
    before: "queued" | "failed",
    key: string,
    run: (scene: Scene) => Promise<unknown>,
  ]
>([
  [
    "canceled",
    "queued",
    `rq:canceled:${QUEUE}`,
    ({ jobs }) => jobs.cancel(JOB),
  ],
  [
    "requeued",
    "failed",
    `rq:queue:${QUEUE}`,
    ({ jobs }) => jobs.requeue(JOB, false),
  ],
])(
  "a job is not %s from being %s while %s holds another type of value",
  async (_change, before, key, run) => {
    await using bench = await Bench.open();
    const scene = await setScene(bench);
    await STATES[before].make(scene);
    await bench.send("SET", key, "text");
    const dump = await bench.dump();
    await assertRejects(() => run(scene), ReplyError, "WRONGTYPE Cannot");
    assertEquals(await bench.dump(), dump);
    await bench.send("DEL", key);
    await run(scene);
  },
);
