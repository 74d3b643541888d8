/** One execution from its claim to its recorded end: a real Redis, and stand-ins for what runs jobs. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import {
  ConnectionLostError,
  type RedisClient,
  ReplyError,
} from "../../lib/redis/redis_client.ts";
import type {
  FailureReason,
  Outcome,
  Runner,
} from "../../lib/runner/runner.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import type {
  Execution,
  WorkerIdentity,
} from "../../lib/store/worker_types.ts";
import { JobAborted } from "../../lib/worker/abort.ts";
import { type Ended, hasBegun, isPutBack } from "../../lib/worker/ended.ts";
import { Executor, type ExecutorOptions } from "../../lib/worker/execution.ts";
import { InHand } from "../../lib/worker/in_hand.ts";
import { type AddOptions, Bench, echoing } from "../store/support.ts";

type Run = (signal: AbortSignal) => Promise<Outcome>;

const SUCCESS: Outcome = { type: "success", result: "42" };

function failure(reason: FailureReason, tail = ""): Outcome {
  const message = "It failed";
  return { type: "failure", reason, message, excInfo: `${message}${tail}` };
}

function runnerOf(run: Run): Runner {
  return {
    prepare() {},
    run: (_request, _host, { signal }) => run(signal),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** An executor on a Redis of its own, and the jobs that it has in hand. */
class Stage implements AsyncDisposable {
  readonly inHand = new InHand();
  readonly lines: string[] = [];
  readonly bench: Bench;
  readonly worker: WorkerIdentity;

  private constructor(bench: Bench, worker: WorkerIdentity) {
    this.bench = bench;
    this.worker = worker;
  }

  static async open(): Promise<Stage> {
    const bench = await Bench.open();
    return new Stage(bench, await bench.worker());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.bench[Symbol.asyncDispose]();
  }

  executor(
    run: Run,
    options: Partial<ExecutorOptions> & { client?: RedisClient } = {},
  ): Executor {
    const note = (text: string) => this.lines.push(text);
    const client = options.client ?? this.bench.client;
    return new Executor({
      store: new WorkerStore(client, this.bench.keys),
      identity: this.worker,
      runnerOf: () => runnerOf(run),
      mayEnqueue: () => true,
      bigInts: false,
      inHand: this.inHand,
      resultTtl: 500,
      logDescription: true,
      log: { debug: note, info: note, warn: note, error: note },
      ...options,
    });
  }

  /** A job that has been claimed and begun. */
  async begun(id = "a", options: AddOptions = {}): Promise<
    { execution: Execution; signal: AbortSignal }
  > {
    await this.bench.add(id, options);
    this.inHand.add(await this.bench.claim(this.worker));
    return this.inHand.begin()!;
  }

  async failureText(id: string): Promise<string> {
    const result = await this.bench.jobs.latestResult(id);
    return inflateSync(Buffer.from(result?.excString ?? "", "base64"))
      .toString();
  }
}

Deno.test("a job that succeeds is recorded with its result", async () => {
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS));
  const { execution, signal } = await stage.begun();
  const ended = await executor.run(execution, signal);
  assertEquals([ended.kind, isPutBack(ended), hasBegun(ended)], [
    "outcome",
    false,
    true,
  ]);
  stage.inHand.end(execution);
  await executor.record(execution, ended);
  assertEquals(await stage.bench.status("a"), "finished");
  assert(stage.lines.some((line) => line === "q: Job OK (a)"));
});

Deno.test.each(["lost", "cold", "stopped", "killed"] as const)(
  "a run that is aborted as %s says so",
  async (kind) => {
    await using stage = await Stage.open();
    const executor = stage.executor((signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      )
    );
    const { execution, signal } = await stage.begun();
    const running = executor.run(execution, signal);
    stage.inHand.abort(kind, () => true);
    assertEquals((await running).kind, kind);
  },
);

Deno.test("a job that is to end before it begins is not handed to a runner", async () => {
  await using stage = await Stage.open();
  let runs = 0;
  const executor = stage.executor(() => {
    runs++;
    return Promise.resolve(SUCCESS);
  });
  const { execution } = await stage.begun();
  const aborted = AbortSignal.abort(new JobAborted("stopped"));
  assertEquals((await executor.run(execution, aborted)).kind, "stopped");
  assertEquals(runs, 0);
});

Deno.test("a job for which no process can be started has not begun, and the child's own reason is told", async () => {
  await using stage = await Stage.open();
  const tail =
    "\n\nDownload jsr.io\nerror: JSR package manifest failed to load\n  at x";
  const executor = stage.executor(() =>
    Promise.resolve(failure("start", tail))
  );
  const { execution, signal } = await stage.begun();
  const ended = await executor.run(execution, signal);
  assertEquals(ended, {
    kind: "unstarted",
    why: "It failed: error: JSR package manifest failed to load",
  });
  assertEquals([isPutBack(ended), hasBegun(ended)], [true, false]);
  stage.inHand.end(execution);
  await executor.record(execution, ended);
  assertEquals(await stage.bench.queued(), ["a"]);
  assertEquals(await stage.bench.field("a", "started_at"), null);
});

Deno.test("what cannot be read of a job fails that job, and proves nothing of processes", async () => {
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS));
  const { execution, signal } = await stage.begun("a", {
    fields: { data: "no data at all" },
  });
  const ended = await executor.run(execution, signal);
  assert(ended.kind === "outcome" && ended.outcome.type === "failure");
  assertEquals(hasBegun(ended), false);
});

const FAULTS: [string, Partial<ExecutorOptions>, Run][] = [
  ["the runner rejects", {}, () => Promise.reject(new TypeError("a fault"))],
  ["the runner throws no error", {}, () => Promise.reject("a fault")],
  ["there is no runner", {
    runnerOf: () => {
      throw new RangeError("a fault");
    },
  }, () => Promise.resolve(SUCCESS)],
  ["the log throws", {
    log: {
      ...{ debug() {}, warn() {}, error() {} },
      info() {
        throw new Error("a fault");
      },
    },
  }, () => Promise.resolve(SUCCESS)],
];

Deno.test.each(FAULTS)(
  "where %s, run() rejects, and the job can be put back",
  async (_what, options, run) => {
    await using stage = await Stage.open();
    const { execution, signal } = await stage.begun();
    const executor = stage.executor(run, options);
    const error = await executor.run(execution, signal).catch((e) => e);
    assertStringIncludes(String(error), "a fault");
    stage.inHand.end(execution);
    const broken: Ended = { kind: "broken", why: "a fault" };
    assert(isPutBack(broken));
    await stage.executor(run).record(execution, broken);
    assertEquals(await stage.bench.queued(), ["a"]);
    assertEquals(await stage.bench.members("rq:wip:q"), []);
  },
);

/** A client whose Redis refuses calls that hold a text, so many times. */
function refusing(
  client: RedisClient,
  text: string,
  error: () => Error,
  times = Infinity,
): RedisClient {
  let left = times;
  return {
    ...echoing(client, () => {}),
    send(command, args = [], options) {
      const holds = args.some((arg) =>
        arg instanceof Uint8Array && Buffer.from(arg).includes(text)
      );
      if (holds && left-- > 0) return Promise.reject(error());
      return client.send(command, args, options);
    },
  };
}

const REFUSED = () => new ReplyError("ERR too much of it");

Deno.test("a result that Redis refuses fails its job with Redis' words, and no other job of the same turn", async () => {
  await using stage = await Stage.open();
  const result = Buffer.from("42").toString("base64");
  const executor = stage.executor(() => Promise.resolve(SUCCESS), {
    client: refusing(stage.bench.client, result, REFUSED),
  });
  const recording = [];
  for (const id of ["a", "refused", "b"]) {
    const { execution, signal } = await stage.begun(id);
    const ended = await executor.run(execution, signal);
    stage.inHand.end(execution);
    const other: Ended = {
      kind: "outcome",
      outcome: { type: "success", result: "7" },
      workedMs: 1,
    };
    recording.push({ execution, ended: id === "refused" ? ended : other });
  }
  await Promise.all(
    recording.map(({ execution, ended }) => executor.record(execution, ended)),
  );
  const statuses = await Promise.all(
    ["a", "refused", "b"].map((id) => stage.bench.status(id)),
  );
  assertEquals(statuses, ["finished", "failed", "finished"]);
  assertEquals(
    await stage.failureText("refused"),
    "Cannot store the end of the job: Redis refuses its 4 bytes: ERR too much of it",
  );
  assertEquals(await stage.bench.members("rq:wip:q"), []);
});

Deno.test("an end that Redis takes later is stored then", async () => {
  await using stage = await Stage.open();
  const oom = () => new ReplyError("OOM command not allowed");
  const executor = stage.executor(() => Promise.resolve(SUCCESS), {
    client: refusing(stage.bench.client, "NDI=", oom, 3),
  });
  const { execution, signal } = await stage.begun();
  const ended = await executor.run(execution, signal);
  stage.inHand.end(execution);
  await executor.record(execution, ended);
  assertEquals(await stage.bench.status("a"), "finished");
  const told = stage.lines.filter((line) => line.includes("does not take"));
  assertEquals(told.length, 1);
});

const UNRECORDABLE: [string, () => Error, RegExp][] = [
  ["Redis refuses that it failed, too", REFUSED, /^ERR too much of it$/],
  [
    "there is no connection any more",
    () => new ConnectionLostError("It is gone", { sent: true }),
    /^It is gone$/,
  ],
];

Deno.test.each(UNRECORDABLE)(
  "where %s, record() rejects",
  async (_what, error, says) => {
    await using stage = await Stage.open();
    const executor = stage.executor(() => Promise.resolve(SUCCESS), {
      client: refusing(stage.bench.client, "", error),
    });
    const { execution, signal } = await stage.begun();
    const ended = await executor.run(execution, signal);
    const rejected = await assertRejects(
      () => executor.record(execution, ended),
      Error,
    );
    assertMatch(rejected.message, says);
  },
);

Deno.test("a job that is put back and refused is not recorded as failed", async () => {
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS), {
    client: refusing(stage.bench.client, "returned", REFUSED),
  });
  const { execution } = await stage.begun();
  await assertRejects(
    () => executor.record(execution, { kind: "returned" }),
    ReplyError,
    "too much",
  );
  assertEquals(await stage.bench.status("a"), "started");
});

Deno.test("a worker whose lost job is dead shows that it is idle, and one with another job does not", async () => {
  await using stage = await Stage.open();
  const executor = stage.executor(() => Promise.resolve(SUCCESS));
  const shown = () => stage.bench.send("HGET", "rq:worker:w1", "state");
  const { execution: a } = await stage.begun("a");
  const { execution: b } = await stage.begun("b");
  stage.inHand.end(a);
  await executor.record(a, { kind: "lost", workedMs: 1 });
  assertEquals(await shown(), "busy");
  stage.inHand.end(b);
  await executor.record(b, { kind: "lost", workedMs: 1 });
  assertEquals(await shown(), "idle");
});
