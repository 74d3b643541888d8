/** Valid options and arguments: whatever would be lost in silence is refused. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Job } from "../../lib/queue/job.ts";
import { Queue } from "../../lib/queue/queue.ts";
import { Worker } from "../../lib/worker/worker.ts";
import { Desk } from "./support.ts";

const UNDEFINED_AT_END: [unknown[], string][] = [
  [[undefined], "[]"],
  [[1, undefined, undefined], "[1]"],
  [[1, [undefined], { a: undefined }], "[1,[null],{}]"],
];

Deno.test.each(UNDEFINED_AT_END)(
  "undefined at the end of arguments is left out: %j",
  async (args, stored) => {
    await using desk = await Desk.open();
    const jobs = [
      await desk.queue.enqueue("a.b", ...args),
      await desk.queue.enqueueCall({ func: "a.b", args }),
      ...await desk.queue.enqueueMany([{ func: "a.b", args }]),
    ];
    for (const job of jobs) {
      await job.refresh();
      assertEquals(job.toDict()["data"], `["a.b",null,${stored},{}]`);
    }
  },
);

Deno.test("undefined before other arguments, named ones included, is refused", async () => {
  await using desk = await Desk.open();
  for (
    const call of [
      { args: [1, undefined, 2] },
      { args: [1, undefined], kwargs: { a: 1 } },
    ]
  ) {
    await assertRejects(
      () => desk.queue.enqueueCall({ func: "a.b", ...call }),
      TypeError,
      "Cannot store args[1]: undefined before other arguments",
    );
  }
});

// deno-lint-ignore no-explicit-any -- options as a program in JavaScript gives them
type Wrong = (desk: Desk, job: Job, wrong: any) => unknown;

const OPTIONS: [string, string, string, Wrong][] = [
  [
    "enqueueCall()",
    "tiemout",
    "timeout",
    ({ queue }, _, o) => queue.enqueueCall({ func: "a.b", ...o }),
  ],
  [
    "enqueueMany()",
    "result_ttl",
    "resultTtl",
    ({ queue }, _, o) =>
      queue.enqueueMany([{ func: "a.b" }, { func: "c.d", ...o }]),
  ],
  ["Queue", "conection", "connection", (_desk, _job, o) => new Queue("q", o)],
  ["Queue.all()", "prefx", "prefix", (_desk, _job, o) => Queue.all(o)],
  ["delete()", "deleteJob", "deleteJobs", ({ queue }, _, o) => queue.delete(o)],
  [
    "wait()",
    "timeOut",
    "timeout",
    (_desk, job, o) => job.wait({ signal: AbortSignal.timeout(10_000), ...o }),
  ],
  ["requeue()", "atfront", "atFront", (_desk, job, o) => job.requeue(o)],
  [
    "Job.fetch()",
    "conection",
    "connection",
    (_desk, job, o) => Job.fetch(job.id, o),
  ],
  [
    "Job.fetchMany()",
    "drivr",
    "driver",
    (_desk, job, o) => Job.fetchMany([job.id], o),
  ],
  [
    "Job.exists()",
    "conection",
    "connection",
    (_desk, job, o) => Job.exists(job.id, o),
  ],
  [
    "Worker",
    "concurency",
    "concurrency",
    (_desk, _job, o) => new Worker("q", o),
  ],
];

Deno.test.each(OPTIONS)(
  "%s refuses the option %s and names %s; nothing happens",
  async (_name, wrong, right, act) => {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue("a.b");
    const before = await desk.bench.dump();
    const { message } = await assertRejects(
      async () => await act(desk, job, { [wrong]: undefined }),
      TypeError,
    );
    assertStringIncludes(
      message,
      `: there is no option "${wrong}", did you mean "${right}"?`,
    );
    assertEquals(await desk.bench.dump(), before);
  },
);

Deno.test.each([[5, "number"], [null, "null"], [["a"], "a list"], [
  "x",
  "string",
]])(
  "options that are no object are refused: %j",
  async (options, kind) => {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue("a.b");
    const wrong = options as Record<never, never>;
    for (
      const act of [
        () => job.requeue(wrong),
        () => Job.fetch(job.id, wrong),
        async () => await new Queue("q", wrong).close(),
        () => desk.queue.delete(wrong),
      ]
    ) {
      await assertRejects(
        act,
        TypeError,
        `expected an object of options, got ${kind}`,
      );
    }
  },
);
