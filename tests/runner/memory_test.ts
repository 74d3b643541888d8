import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { memoryOf } from "../../lib/runner/memory_watch.ts";
import { SubprocessRunner } from "../../lib/runner/subprocess_runner.ts";
import { eachWayOf, TestRunner } from "./support.ts";

const MB = 1024 * 1024;

/** How many seconds memory is held: on a busy machine it is measured seldom. */
const HELD = 60;

eachWayOf([
  { what: "on V8's heap", func: "eatHeap", args: [800] },
  { what: "beside V8's heap", func: "eatBuffers", args: [800, HELD] },
  {
    what: "in a program that it starts",
    func: "eatElsewhere",
    args: [800, HELD, ""],
  },
  {
    what: "in a program in a session of its own",
    func: "eatElsewhere",
    args: [800, HELD, "setsid"],
  },
])(
  "a job that uses more memory than it may, $what, is ended with a message that says so",
  async (create, { func, args }) => {
    await using t = await create({ jobMemory: 200 * MB });
    const { message, reason } = await t.failure(`eaters.${func}`, args);
    assertEquals(
      [reason, message],
      [
        "memory",
        "MemoryLimitError: The job exceeded the memory limit of 200 MB",
      ],
    );
    assertEquals(await t.result("jobs.one"), 1);
  },
);

eachWayOf([{ func: "eatHeap", args: [80] }, {
  func: "eatBuffers",
  args: [80, 1],
}])(
  "a job that stays below the limit is left alone: $func",
  async (create, { func, args }) => {
    await using t = await create({ jobMemory: 400 * MB });
    assertEquals(typeof await t.result(`eaters.${func}`, args), "number");
  },
);

Deno.test("shared: a job that uses more memory than it may takes no neighbour with it", async () => {
  await using t = await TestRunner.create({
    way: "shared",
    jobMemory: 300 * MB,
  });
  const naps = Array.from({ length: 3 }, () => t.run("jobs.nap", [1_000]));
  const eater = t.run("eaters.eatBuffers", [900, HELD]);
  for (const nap of naps) assertEquals((await nap).type, "success");
  const outcome = await eater;
  assertEquals(outcome.type === "failure" && outcome.reason, "memory");
});

Deno.test("what belongs to a subprocess is what is in its session or descends from that", () => {
  const entry = (pid: number, parent: number, session: number) => ({
    ...{ pid, parent, group: session, session },
    memory: 10 ** (pid % 10),
  });
  const used = memoryOf(new Set([10, 20]), [
    entry(10, 1, 10),
    entry(11, 10, 10),
    entry(12, 11, 12), // has left the session
    entry(13, 12, 12), // descends from that
    entry(14, 1, 10), // has lost its parent
    entry(20, 1, 20),
    entry(30, 1, 30),
  ]);
  assertEquals([...used], [[10, 11_111], [20, 1]]);
});

Deno.test.each([[0], [-1], [1.5], [NaN], [8 * MB]])(
  "a limit of %d bytes is refused",
  (jobMemory) => {
    const error = assertThrows(
      () =>
        new SubprocessRunner({
          paths: [],
          permissions: { flags: [], warnings: [] },
          sink: { stdout: async () => {}, stderr: async () => {} },
          jobMemory,
        }),
      RangeError,
    );
    assertStringIncludes(error.message, "jobMemory must be at least");
  },
);
