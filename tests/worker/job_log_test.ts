/** The lines of a worker's log about its jobs. */

import { assertEquals } from "@std/assert";
import { encodeData } from "../../lib/job/codec.ts";
import { JobRecord } from "../../lib/job/record.ts";
import type { EndReply, Execution } from "../../lib/store/worker_types.ts";
import { endOf, failedEnd, requeuedEnd } from "../../lib/worker/ends.ts";
import { factsOf, JobLog } from "../../lib/worker/job_log.ts";
import type { LogFacts, LogMethod } from "../../lib/worker/log.ts";

function execution(
  fields: Record<string, string | Uint8Array> = {},
): Execution {
  const bytes = Object.entries(fields).map(([name, value]) =>
    [
      name,
      typeof value === "string" ? new TextEncoder().encode(value) : value,
    ] as const
  );
  return { id: "e", queue: "q", job: new JobRecord("a", new Map(bytes)) };
}

/** A log that remembers, and the lines of it. */
function remembering(showsCalls = true) {
  const lines: [LogMethod, string][] = [];
  const facts: (LogFacts | undefined)[] = [];
  const note = (method: LogMethod) => (text: string, about?: LogFacts) => {
    lines.push([method, text]);
    facts.push(about);
  };
  const log = {
    takes: () => true,
    debug: note("debug"),
    info: note("info"),
    warn: note("warn"),
    error: note("error"),
  };
  return { log: new JobLog(log, showsCalls), lines, facts };
}

Deno.test.each([[true, "q: mail.send('x') (a)"], [false, "q: a"]] as const)(
  "a job that begins is told with its call, or without it: %s",
  (showsCalls, line) => {
    const { log, lines } = remembering(showsCalls);
    log.begin(execution({ description: "mail.send('x')" }));
    assertEquals(lines, [["info", line]]);
  },
);

Deno.test("a callback that fails is told with the job whose callback it is", () => {
  const { log, lines } = remembering();
  const callback = execution({
    x_callback: "success jobs.done",
    description: "jobs.done, on success of 7",
  });
  log.failed(failedEnd(callback, "failed", "Error: bad", 5), "Error: bad");
  assertEquals(lines, [
    ["error", "q: Callback failed: jobs.done, on success of 7 (a)"],
  ]);
});

Deno.test("a webhook that was not delivered is told with its job", () => {
  const { log, lines } = remembering();
  const description = "webhook to https://a.b, on failed of 7";
  const webhook = execution({ x_webhook: "{}", description });
  log.failed(failedEnd(webhook, "failed", "Error: bad", 5), "Error: bad");
  assertEquals(lines, [["error", `q: Webhook failed: ${description} (a)`]]);
});

Deno.test("a callback that is not known is told once for each name", () => {
  const { log, lines } = remembering();
  const data = encodeData("builtins.exec", "[]", "{}");
  const left = execution({ x_callback: "failure app.report", data });
  const [done, broken] = ["jobs.done", "jobs.broken"].map((name) =>
    execution({
      x_callback: `success ${name}`,
      data: name === "jobs.done" ? encodeData(name, "[]", "{}") : "broken",
    })
  );
  for (const callback of [left, done!, broken!, done!, left]) {
    log.unknownCallback(callback, "why");
  }
  const nobody = "not called, no Python worker listens to the queue";
  assertEquals(lines, [
    ["warn", "q: Callback app.report is left to a Python worker: why (a)"],
    ["warn", `q: Callback jobs.done is ${nobody}: why (a)`],
    ["warn", `q: Callback jobs.broken is ${nobody}: why (a)`],
  ]);
});

Deno.test.each<[EndReply, number, [LogMethod, string][]]>([
  ["finished", 500, [
    ["info", "q: Job OK (a)"],
    ["info", "Result is kept for 500 seconds"],
  ]],
  ["finished", 0, [
    ["info", "q: Job OK (a)"],
    ["info", "Result discarded immediately"],
  ]],
  ["finished", -1, [
    ["info", "q: Job OK (a)"],
    ["info", "Result will never expire, clean up result key manually"],
  ]],
  ["retried", 1, [["info", "q: Job retried after its failure (a)"]]],
  ["scheduled", 1, [["info", "q: Job scheduled after its failure (a)"]]],
  ["lost", 1, [["warn", "q: Lease lost, nothing recorded (a)"]]],
  ["failed", 1, []],
  ["requeued", 1, []],
])("an end to which Redis answers %s, kept for %i", (reply, ttl, expected) => {
  const { log, lines } = remembering();
  log.recorded(endOf(execution(), { type: "success" }, 5, ttl), reply);
  assertEquals(lines, expected);
});

Deno.test.each([["2", true], ["0", false]] as const)(
  "a success says that the job is repeated, if a repeat is left: %s",
  (repeats_left, isTold) => {
    const { log, lines } = remembering();
    const job = execution({ repeats_left });
    log.recorded(endOf(job, { type: "success" }, 5, 500), "finished");
    const told = lines.slice(2).map(([, line]) => line);
    assertEquals(told, isTold ? ["q: Job scheduled to repeat (a)"] : []);
  },
);

Deno.test("a failure comes with its text and how long the job ran, a job that is put back without", () => {
  const { log, lines, facts } = remembering();
  const failure = endOf(execution(), { type: "success" }, 5, 1);
  log.failed(failure, "Error: why");
  log.recorded(requeuedEnd(execution()), "stuck");
  log.fault(execution(), new Error("No process"));
  log.aborted(execution(), "killed", 7);
  const told = lines.map(([method], i) => [method, facts[i]?.durationMs])
    .filter(([method]) => method !== "debug"); // the stack of the worker's own error
  assertEquals(told, [
    ["error", 5],
    ["error", undefined],
    ["error", undefined],
    ["warn", 7],
  ]);
  assertEquals(lines[0]![1], "q: Job failed (a)");
  assertEquals(facts[0]!.details, "Error: why");
});

Deno.test("a line about a job names its function, unless that cannot be read", () => {
  const data = encodeData("mail.send", "[]", "{}");
  const facts = { jobId: "a", queue: "q" };
  assertEquals(factsOf(execution({ data }), 3), {
    ...facts,
    func: "mail.send",
    durationMs: 3,
  });
  assertEquals(factsOf(execution({ data: "no data" })), facts);
});
