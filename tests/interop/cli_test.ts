/** Our command line beside RQ's own. */

import { assertEquals } from "@std/assert";
import {
  eachPython,
  findPythons,
  type Look,
  type Stage,
  waitFor,
} from "./support.ts";

const pythons = (await findPythons()).filter(({ major }) => major >= 3);

/** What a command of RQ's program has written, and the same command of ours. */
async function both(stage: Stage, ...args: string[]): Promise<string[]> {
  const [command = "", ...flags] = args;
  const programs = [
    stage.rq(command, "-u", stage.url, ...flags),
    stage.denoWorker(command, ...flags),
  ];
  return await Promise.all(programs.map(async (program) => {
    const code = await program.ended();
    assertEquals(code, 0, program.output);
    return program.output.replaceAll("\x1b(B\x1b[m", "");
  }));
}

eachPython(
  pythons,
  "info prints what RQ's prints",
  async (stage) => {
    await stage.py(`
      for i in range(25): queue("high").enqueue("shared.add", i, 1)
      queue("low").enqueue("shared.fail", "oh")
    `);
    const worker = stage.pythonWorker("low", "idle");
    await worker.said("Listening on");
    await stage.reaches(
      await stage.py<string>(
        `out = queue("low").enqueue("shared.add", 1, 1).id`,
      ),
      "finished",
    );
    await waitFor("the worker is idle", async () => {
      const states = await stage.py<string[]>(`
        from rq import Worker
        out = [worker.get_state() for worker in Worker.all(connection=redis)]
      `);
      return states.join() === "idle";
    });
    for (
      const flags of [["-Q"], ["-Q", "-r"], ["-W", "-R"], ["-W"], ["-W", "-r"]]
    ) {
      const [theirs, ours] = await both(stage, "info", ...flags);
      const sorted = (text = "") => text.trimEnd().split("\n").sort();
      assertEquals(sorted(ours), sorted(theirs), flags.join());
    }
  },
);

/** What of a job does not depend on when it was made, and by whom. */
function call(look: Look): Partial<Look> {
  const { created: _, enqueued: _e, origin: _o, ...rest } = look;
  return rest;
}

eachPython(
  pythons,
  "enqueue makes the job that RQ's makes",
  async (stage) => {
    const calls: string[][] = [
      ["shared.echo", "text", ":[1, null]", "%[1, 'two']", "k=v", "n:=1.5"],
      [
        ...["shared.add", "%1", "%2", "--timeout", "2h", "--result-ttl", "60"],
        ...["--failure-ttl", "70", "--ttl", "80", "--description", "adds"],
        ...["--retry-max", "3", "--retry-interval", "5"],
      ],
      ["shared.add", ":1", ":2", "--schedule-in", "1h"],
      ["shared.add", ":1", ":2", "--schedule-at", "2090-05-27T21:45:00"],
    ];
    for (const [i, args] of calls.entries()) {
      const [theirs, ours] = [`theirs${i}`, `ours${i}`];
      const { serializer } = stage.python;
      const programs = [
        stage.rq(
          ...["enqueue", "-u", stage.url, "-S", serializer, "-q", "a"],
          ...["--job-id", theirs, ...args],
        ),
        stage.denoWorker("enqueue", "-q", "a", "--job-id", ours, ...args),
      ];
      for (const program of programs) {
        assertEquals(await program.ended(), 0, program.output);
      }
      const [expected, made] = [
        await stage.look(theirs),
        await stage.look(ours),
      ];
      assertEquals(call(made), call(expected), args.join(" "));
      const due = await Promise.all(
        [theirs, ours].map((id) =>
          stage.send<string | null>("ZSCORE", "rq:scheduled:a", id)
        ),
      );
      if (args.includes("--schedule-at")) assertEquals(due[1], due[0]);
      const [said, says] = programs.map(({ output }) =>
        output.replaceAll(/theirs|ours/g, "")
      );
      assertEquals(says, said);
    }
  },
);
