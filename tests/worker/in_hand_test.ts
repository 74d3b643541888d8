import { assert, assertEquals } from "@std/assert";
import { JobRecord } from "../../lib/job/record.ts";
import type { End, Execution } from "../../lib/store/worker_types.ts";
import { InHand } from "../../lib/worker/in_hand.ts";

function execution(id: string, fields: Record<string, string> = {}): Execution {
  const bytes = Object.entries(fields).map(([name, text]) =>
    [name, new TextEncoder().encode(text)] as const
  );
  return { id, queue: "q", job: new JobRecord(`job-${id}`, new Map(bytes)) };
}

function endOf(
  execution: Execution,
  outcome: End["outcome"] = "finished",
): End {
  return { execution, outcome, ttl: 0, payload: "", workedMs: 1 };
}

function holding(...ids: string[]) {
  let now = 1_000;
  const inHand = new InHand(() => now);
  const executions = ids.map((id) => execution(id));
  for (const each of executions) inHand.add(each);
  return { inHand, executions, pass: (ms: number) => now += ms };
}

const idsOf = (executions: readonly Execution[]) =>
  executions.map(({ id }) => id);

/** All that is counted: waiting, running, ended, in hand. */
function counts({ waiting, running, ended, size }: InHand) {
  return [waiting, running, ended, size];
}

Deno.test("a job waits, runs, is over and is gone, and is counted once at each moment", () => {
  const { inHand, executions } = holding("a", "b");
  const [a] = executions as [Execution];
  assertEquals([counts(inHand), inHand.isBusy], [[2, 0, 0, 2], true]);
  assertEquals(inHand.begin()?.execution, a);
  assertEquals(counts(inHand), [1, 1, 0, 2]);
  inHand.end(a, endOf(a));
  inHand.end(a, endOf(a));
  assertEquals([counts(inHand), inHand.isBusy], [[1, 0, 1, 2], true]);
  assertEquals(inHand.takeEnds(), [endOf(a)]);
  assertEquals(inHand.takeEnds(), []);
  assertEquals(counts(inHand), [1, 0, 0, 2]);
  inHand.remove(a);
  inHand.remove(a);
  assertEquals(counts(inHand), [1, 0, 0, 1]);
  assertEquals(idsOf(inHand.executions), ["b"]);
});

Deno.test("jobs begin in the order in which they were taken, and there is an end to them", () => {
  const { inHand } = holding("a", "b");
  assertEquals(inHand.begin()?.execution.id, "a");
  assertEquals(inHand.begin()?.execution.id, "b");
  assertEquals(inHand.begin(), undefined);
});

Deno.test("what waits can be over without having begun, but keeps its lease until that is recorded", () => {
  const { inHand } = holding("a", "b", "c");
  inHand.begin();
  const waiting = inHand.takeWaiting();
  assertEquals(idsOf(waiting), ["b", "c"]);
  for (const each of waiting) inHand.end(each, endOf(each, "released"));
  assertEquals(counts(inHand), [0, 1, 2, 3]);
  assertEquals(inHand.hasCutShort, false);
  assertEquals(inHand.takeWaiting(), []);
  assertEquals(inHand.begin(), undefined);
});

Deno.test("ends are given in the order in which they are to be recorded: what goes back last, and the hindmost of that first", () => {
  const { inHand, executions, pass } = holding("a", "b", "c", "d", "e");
  const [a, b, c, d, e] = executions as [
    Execution,
    Execution,
    Execution,
    Execution,
    Execution,
  ];
  for (const _ of executions) inHand.begin();
  inHand.end(b, endOf(b, "requeued"));
  pass(10);
  inHand.end(d, endOf(d, "released"));
  inHand.end(e, endOf(e));
  inHand.end(a, endOf(a, "requeued"));
  inHand.end(c, endOf(c, "failed"));
  pass(5);
  assertEquals([inHand.endedForMs, inHand.hasCutShort], [15, true]);
  const ends = inHand.takeEnds();
  assertEquals(idsOf(ends.map(({ execution }) => execution)), [
    ...["e", "c"],
    ...["d", "b", "a"],
  ]);
  assertEquals([inHand.ended, inHand.hasCutShort], [0, false]);
});

Deno.test("a run of which nothing may be recorded is over, and stays in hand until it is removed", () => {
  const { inHand, executions } = holding("a");
  inHand.begin();
  inHand.end(executions[0]!, undefined);
  assertEquals(counts(inHand), [0, 0, 0, 1]);
  assertEquals(inHand.takeEnds(), []);
});

Deno.test("nobody is busy with what is only to be recorded", () => {
  const { inHand, executions } = holding("a");
  inHand.begin();
  inHand.end(executions[0]!, endOf(executions[0]!));
  assertEquals([inHand.isBusy, inHand.size], [false, 1]);
});

Deno.test.each([
  ["has its worker for itself", execution("1000000000000000"), true],
  ["shares it", execution("2000000000000000"), false],
  [
    "is a suspect",
    execution("2000000000000001", { x_abandoned: "0 t", enqueued_at: "t" }),
    true,
  ],
  [
    "was a suspect in an earlier stay in the queue",
    execution("2000000000000002", { x_abandoned: "0 t", enqueued_at: "u" }),
    false,
  ],
])("nothing runs beside an execution that %s", (_what, each, alone) => {
  const inHand = new InHand();
  inHand.add(each);
  assertEquals(inHand.isAlone, alone);
  inHand.begin();
  assertEquals(inHand.isAlone, alone);
  inHand.end(each, endOf(each));
  assertEquals(inHand.isAlone, false);
});

Deno.test("a suspect that goes back without having begun keeps nobody else away", () => {
  const inHand = new InHand();
  inHand.add(execution("1000000000000000"));
  const [each] = inHand.takeWaiting();
  inHand.end(each!, endOf(each!, "released"));
  assertEquals(inHand.isAlone, false);
});

Deno.test("the first heartbeat is for those that are old enough, never had one, and are not over", () => {
  const { inHand, executions, pass } = holding("a", "over");
  inHand.begin();
  inHand.begin();
  pass(400);
  inHand.add(execution("young"));
  assertEquals(inHand.beatNew(500), []);
  inHand.end(executions[1]!, endOf(executions[1]!));
  pass(100);
  assertEquals(idsOf(inHand.beatNew(500)), ["a"]);
  assertEquals(inHand.beatNew(500), []);
  assert(inHand.hasHeartbeat(executions[0]!));
  assert(!inHand.hasHeartbeat(executions[1]!));
  assertEquals(idsOf(inHand.beat()), ["a", "over", "young"]);
  assert(inHand.hasHeartbeat(executions[1]!));
});

Deno.test("what nobody knows may have had a heartbeat", () => {
  assert(new InHand().hasHeartbeat(execution("gone")));
});

Deno.test("a job is aborted with the first reason, and one that has not begun can be stopped, but not killed", () => {
  const { inHand, executions } = holding("a", "b");
  const signal = inHand.begin()!.signal;
  const [a, b] = executions as [Execution, Execution];
  assertEquals(inHand.abort("killed", () => true), 1);
  assertEquals([inHand.abortedBy(a), inHand.abortedBy(b)], [
    "killed",
    undefined,
  ]);
  assert(signal.aborted);
  assertEquals(inHand.abort("stopped", ({ job }) => job.id === "job-b"), 1);
  assertEquals(inHand.abort("cold", () => true), 2);
  assertEquals([inHand.abortedBy(a), inHand.abortedBy(b)], [
    "killed",
    "stopped",
  ]);
  assertEquals(inHand.abortedBy(execution("gone")), undefined);
});
