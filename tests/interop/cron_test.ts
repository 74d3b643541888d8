/** Schedules: RQ's tools list ours, and ours list those of `rq cron`; both make jobs side by side. */

import { assert, assertEquals } from "@std/assert";
import { Schedules } from "../../mod.ts";
import { eachPython, findPythons, type Stage, waitFor } from "./support.ts";

const newest = (await findPythons()).filter(({ major }) => major >= 3);

function schedulesOf(stage: Stage): Schedules {
  return new Schedules({ connection: stage.url });
}

/** What Python lists: each scheduler with its jobs. */
function listed(stage: Stage): Promise<unknown[]> {
  return stage.py(`
    from rq.cron import CronScheduler
    out = [[s.hostname != '', s.pid > 0, s.config_file, s.last_heartbeat is not None, [[
      j.name, j.func_name, j.queue_name, j.interval, j.cron, list(j.args), j.kwargs, j.job_options.get('job_timeout'),
      j.latest_enqueue_time is not None, j.next_enqueue_time.timestamp() if j.next_enqueue_time else None,
    ] for j in s.get_jobs()]] for s in CronScheduler.all(redis)]
  `);
}

eachPython(
  newest,
  "Python lists a Deno worker as a cron scheduler, with its schedules, and reads the jobs that they have made",
  async (stage) => {
    await using schedules = schedulesOf(stage);
    await schedules.upsert("every hour", { every: "1h" }, {
      func: "shared.add",
      args: [1, 2],
      kwargs: { scale: 3 },
      timeout: 77,
    });
    await schedules.upsert("new year", "30 0 0 1 1 *", {
      func: "shared.add",
      timeZone: "Europe/Berlin",
    });
    await schedules.upsert("last days", "0 0 L * *", { func: "shared.add" });
    const worker = await stage.denoWorker("other");
    await waitFor("a scheduler is listed", async () => {
      const [scheduler] = await listed(stage) as [unknown[]];
      return (scheduler?.[4] as unknown[] | undefined)?.length === 2;
    });
    const [[, , file, alive, jobs]] = await listed(stage) as [
      [boolean, boolean, string, boolean, unknown[][]],
    ];
    assertEquals([file, alive], ["", true]);
    const all = await schedules.all();
    const next = (name: string) =>
      all.find((one) => one.name === name)!.nextRun!.getTime() / 1_000;
    const shown = new Map(jobs.map(([name, ...rest]) => [name, rest]));
    assertEquals(shown.get("every hour"), [
      ...["shared.add", "default", 3_600, null, [1, 2], { scale: 3 }, 77, true],
      next("every hour"),
    ]);
    assertEquals(shown.get("new year"), [
      ...["shared.add", "default", null, "0 0 1 1 * 30", [], {}, 180, false],
      next("new year"),
    ]);
    const { lastJobId } = (await schedules.get("every hour"))!;
    assertEquals(
      await stage.py(`
        from rq.cron import get_cron_job_ids
        from rq import cron_job_registry
        out = [get_cron_job_ids('every hour', redis), cron_job_registry.get_names(redis)]
      `),
      [[lastJobId], ["every hour"]],
    );
    assertEquals((await stage.look(lastJobId!)).args, [1, 2]);
    worker.kill("SIGTERM");
    await waitFor(
      "it is listed no longer",
      async () => (await listed(stage)).length === 0,
    );
  },
);

eachPython(
  newest,
  "Deno lists a scheduler of Python's, whose jobs and ours are made side by side",
  async (stage) => {
    await using schedules = schedulesOf(stage);
    await schedules.upsert("ours", "* * * * * *", {
      func: "shared.add",
      args: [1, 2],
    });
    await stage.denoWorker("other");
    const names = await stage.py<string[]>(`
      from rq.cron import CronScheduler
      import shared
      s = CronScheduler(redis, name="theirs")
      s.register(shared.add, "default", args=(3, 4), interval=30, name="python's")
      s.register(shared.add, "default", cron="0 2 * * *", name="nightly")
      s.config_file = "cron_config.py"
      s.register_birth()
      s.enqueue_jobs()
      s.save()
      s.heartbeat()
      out = [j.name for j in s.get_jobs()]
    `);
    assertEquals(names, ["python's", "nightly"]);
    await waitFor(
      "ours are made",
      async () => (await schedules.runs("ours")).length > 2,
    );
    const found = await schedules.schedulers();
    const theirs = found.find(({ name }) => name === "theirs")!;
    assertEquals(theirs.file, "cron_config.py");
    assert(theirs.pid! > 0 && theirs.hostname !== "");
    assert(theirs.createdAt! <= theirs.lastHeartbeat);
    assertEquals(
      theirs.schedules.map(({ name, funcName, queue, when }) => [
        ...[name, funcName, queue, when],
      ]),
      [
        ["python's", "shared.add", "default", { every: 30 }],
        ["nightly", "shared.add", "default", "0 2 * * *"],
      ],
    );
    const [first, second] = theirs.schedules;
    assertEquals(first!.nextRun!.getTime() - first!.lastRun!.getTime(), 30_000);
    assertEquals(second!.lastRun, null);
    assert(second!.nextRun! > new Date());
    const ours = found.find(({ name }) => name !== "theirs")!;
    assertEquals(ours.schedules.map(({ name, when }) => [name, when]), [
      ["ours", "* * * * * *"],
    ]);
    const all = (await schedules.all()).map(({ name }) => name);
    assertEquals(all, ["ours"], "Python's are only in its scheduler");
  },
);

eachPython(
  newest,
  "A Python worker runs the jobs of our schedules",
  async (stage) => {
    await using schedules = schedulesOf(stage);
    await schedules.upsert("s", "0 0 1 1 *", {
      func: "shared.add",
      args: [1, 2],
    });
    const job = await schedules.runNow("s");
    await stage.pythonBurst("default");
    const look = await stage.look(job.id);
    assertEquals([look.status, look.value], ["finished", 3]);
  },
);
