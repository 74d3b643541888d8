import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Alarms } from "../../lib/base/alarms.ts";
import type { MessageKind } from "../../lib/runner/frames.ts";
import type { Outcome } from "../../lib/runner/runner.ts";
import {
  type Interrupted,
  SharedProcess,
} from "../../lib/runner/shared_process.ts";
import type { Subprocess } from "../../lib/runner/subprocess.ts";

type Said = Parameters<NonNullable<Subprocess["onMessage"]>>;

const STATUS: Deno.CommandStatus = {
  success: false,
  code: 137,
  signal: "SIGKILL",
};

/** A fake subprocess that sends what the test wants, and ends when it is killed. */
class FakeChild {
  readonly alarms = new Alarms();
  readonly lines: string[] = [];
  readonly sent: unknown[] = [];
  readonly signals: string[] = [];
  readonly #exit = Promise.withResolvers<Deno.CommandStatus>();
  readonly exited = this.#exit.promise;
  onMessage: ((...message: Said) => void) | undefined;
  status: Deno.CommandStatus | undefined;
  fault: string | undefined;
  isFull = false;
  isSpoiled = false;
  isQuiet = false;
  jobs = 0;

  begin(): number {
    return ++this.jobs;
  }

  send(message: unknown): Promise<void> {
    this.sent.push(message);
    return Promise.resolve();
  }

  sendLine(line: string): Promise<void> {
    this.lines.push(line);
    return Promise.resolve();
  }

  drainAnswered(): undefined {}

  drain(): Promise<void> {
    return Promise.resolve();
  }

  stderrTail(): string {
    return "";
  }

  kill(signal: string): void {
    this.signals.push(signal);
    this.end();
  }

  end(status: Deno.CommandStatus = STATUS): void {
    this.status ??= status;
    this.#exit.resolve(status);
  }

  /** Delivers a message as the output pump does: an error of the handler makes the subprocess faulty. */
  say(kind: MessageKind, run: number, text = ""): void {
    try {
      this.onMessage?.(kind, run, new TextEncoder().encode(text));
    } catch (error) {
      this.fault = (error as Error).message;
      this.kill("SIGKILL");
    }
  }

  answer(run: number, result: string): void {
    this.say("success", run, result);
    this.say("answered", 0);
  }
}

function make() {
  const child = new FakeChild();
  const process = new SharedProcess(child as unknown as Subprocess, 50);
  const controllers: AbortController[] = [];
  const run = (timeout = -1): Promise<Outcome | Interrupted> => {
    const controller = new AbortController();
    controllers.push(controller);
    return process.run({
      jobId: `job-${controllers.length}`,
      job: "{}",
      timeout,
      host: {
        enqueue: () => Promise.resolve("x"),
        saveMeta: () => Promise.resolve(),
        parents: () => Promise.resolve("[]"),
        saveProgress: () => Promise.resolve(),
        log: () => Promise.resolve(),
        steps: () => Promise.resolve(""),
        emit: () => Promise.resolve(),
      },
      signal: controller.signal,
    });
  };
  return { child, process, run, controllers };
}

const success = (result: string): Outcome => ({ type: "success", result });

Deno.test("SharedProcess sends each job at once, and gives each its own answer", async () => {
  const { child, process, run } = make();
  const runs = [run(), run()];
  assertEquals(child.lines.length, 2);
  child.say("started", 2);
  child.say("success", 2, "22");
  child.say("success", 1, "11");
  child.say("answered", 0);
  assertEquals(await Promise.all(runs), [success("11"), success("22")]);
  assertEquals(process.isOver, false);
  assertEquals(child.signals, []);
  process.kill();
  await process.ended;
});

Deno.test("SharedProcess ends once it is retired and its last job has ended", async () => {
  const { child, process, run } = make();
  const last = run();
  child.say("started", 1);
  process.retire();
  assertEquals([process.isOver, child.signals.length], [true, 0]);
  child.answer(1, "1");
  assertEquals(await last, success("1"));
  await process.ended;
  assertEquals(child.signals[0], "SIGKILL");
});

Deno.test("SharedProcess: a late error of a job that has ended lets those in hand end, and takes no more", async () => {
  const { child, process, run } = make();
  const runs = [run(), run()];
  child.say("started", 2);
  child.answer(1, "1");
  child.isSpoiled = true;
  child.say("late", 1, "Error: x");
  assertEquals([process.isOver, child.signals.length], [true, 0]);
  child.answer(2, "2");
  assertEquals(await Promise.all(runs), [success("1"), success("2")]);
  await process.ended;
});

Deno.test("SharedProcess: of an error that may be anybody's, what has begun is run alone, the rest again", async () => {
  const { child, process, run } = make();
  const runs = [run(), run(), run()];
  child.say("started", 2);
  child.say("uncaught", 0);
  await process.ended;
  assertEquals(await Promise.all(runs), ["alone", "alone", "again"]);
});

const ENDS: readonly {
  what: string;
  say: (child: FakeChild) => void;
  first: string;
  second: string;
}[] = [
  {
    what: "a bad call of the first",
    say: (child) => child.say("call", 1, "null"),
    first: "Cannot read the subprocess's call",
    second: "again",
  },
  {
    what: "a bad answer of the first",
    say: (child) => child.say("success", 1, "no JSON"),
    first: "Cannot read the subprocess's success",
    second: "again",
  },
  {
    what: "an answer of nobody",
    say: (child) => child.say("success", 9, "1"),
    first: "alone",
    second: "alone",
  },
  {
    what: "a start that was before",
    say: (child) => child.say("started", 1),
    first: "alone",
    second: "alone",
  },
  {
    what: "Deno.exit() of the first",
    say: (child) => {
      child.say("exit", 1);
      child.end({ success: false, code: 3, signal: null });
    },
    first: "Job called Deno.exit(3)",
    second: "again",
  },
  {
    what: "Deno.exit() of one that has ended",
    say: (child) => {
      child.say("exit", 7);
      child.end({ success: true, code: 0, signal: null });
    },
    first: "again",
    second: "again",
  },
  {
    what: "Deno.exit() of nobody knows whom",
    say: (child) => {
      child.say("exit", 0);
      child.end({ success: true, code: 0, signal: null });
    },
    first: "alone",
    second: "alone",
  },
  {
    what: "a crash",
    say: (child) => child.end(),
    first: "alone",
    second: "alone",
  },
];

Deno.test.each([...ENDS])(
  "SharedProcess: after $what the first ends as $first, the second as $second",
  async ({ say, first, second }) => {
    const { child, process, run } = make();
    const runs = [run(), run()];
    child.say("started", 2);
    say(child);
    await process.ended;
    const [one, two] = (await Promise.all(runs))
      .map((end) =>
        typeof end === "string"
          ? end
          : end.type === "failure"
          ? end.message
          : ""
      );
    assertStringIncludes(one!, first);
    assertEquals(two, second);
  },
);

Deno.test("SharedProcess: a crash is the fault of a job that is by itself, if it has begun", async () => {
  for (const started of [true, false]) {
    const { child, process, run } = make();
    const lone = run();
    if (started) child.say("started", 1);
    child.end();
    await process.ended;
    const end = await lone;
    assertEquals(
      typeof end === "object" ? end.type : end,
      started ? "failure" : "again",
    );
  }
});

Deno.test("SharedProcess: a job that has not begun when its time is up is begun again", async () => {
  const { process, run } = make();
  const late = run(0);
  await process.ended;
  assertEquals(await late, "again");
});

Deno.test("SharedProcess: a job whose time is up fails, those beside it are begun again", async () => {
  const { child, process, run } = make();
  const [slow, beside] = [run(0), run()];
  child.say("started", 2);
  const asked = Promise.withResolvers<void>();
  child.send = (message) => {
    child.sent.push(message);
    asked.resolve();
    return Promise.resolve();
  };
  await asked.promise;
  child.say("stopping", 1);
  await process.ended;
  const end = await slow;
  assertEquals(
    typeof end === "object" && end.type === "failure" && end.reason,
    "timeout",
  );
  assertEquals(await beside, "again");
});

Deno.test("SharedProcess: a job that is stopped rejects with the reason, once it has ended", async () => {
  const { child, process, run, controllers } = make();
  const [stopped, beside] = [run(), run()];
  child.say("started", 2);
  controllers[0]!.abort(new Error("stop it"));
  assertEquals(child.sent, [{
    type: "abort",
    run: 1,
    name: "AbortError",
    message: "The job was stopped",
  }]);
  child.answer(1, "1");
  await assertRejects(() => stopped!, Error, "stop it");
  child.answer(2, "2");
  assertEquals(await beside, success("2"));
  process.kill();
  await process.ended;
});
