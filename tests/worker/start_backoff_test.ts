import { assert, assertEquals, assertMatch } from "@std/assert";
import { SILENT } from "../../lib/worker/log.ts";
import { StartBackoff } from "../../lib/worker/start_backoff.ts";

function backoff(patience = 60_000) {
  let now = 0;
  const lines: string[] = [];
  const log = {
    ...SILENT,
    warn: (text: string) => lines.push(text),
    error: (text: string) => lines.push(text),
  };
  return {
    starts: new StartBackoff({ log, patience, now: () => now }),
    pass: (ms: number) => now += ms,
    lines,
  };
}

Deno.test("pauses grow to ten seconds, and one line tells of all failures", () => {
  const { starts, pass, lines } = backoff(Infinity);
  const pauses = [];
  for (let i = 0; i < 6; i++) {
    starts.failed("No process");
    pauses.push(starts.pauseMs());
    pass(starts.pauseMs());
    assert(starts.isFailing);
    assertEquals(starts.pauseMs(), 0);
  }
  assertEquals(pauses, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /^No process; jobs are put back, and tried again/);
});

Deno.test("jobs that were begun together and fail together are one failure", () => {
  const { starts, pass } = backoff();
  for (let i = 0; i < 20; i++) {
    starts.failed("No process");
    pass(10);
  }
  assertEquals(starts.pauseMs(), 800);
});

Deno.test("a start ends it, and is told", () => {
  const { starts, pass, lines } = backoff();
  starts.succeeded();
  assertEquals(lines, []);
  starts.failed("No process");
  pass(1_000);
  starts.succeeded();
  assertEquals([starts.pauseMs(), starts.isFailing], [0, false]);
  assertEquals(lines.length, 2);
  starts.failed("No process");
  assertEquals(starts.pauseMs(), 1_000);
});

Deno.test("it is hopeless after attempts of a minute without a start, for the reason of the last", () => {
  const { starts, pass } = backoff();
  let waited = 0;
  while (starts.hopeless === undefined) {
    assert(waited < 90_000, `${waited}`);
    starts.failed(`No process ${waited}`);
    waited += starts.pauseMs();
    pass(starts.pauseMs());
  }
  assert(waited >= 60_000, `${waited}`);
  assertMatch(
    starts.hopeless.message,
    /^Cannot run jobs: none could be begun for 6\d seconds: No process [56]\d+$/,
  );
  starts.succeeded();
  assertEquals(starts.hopeless, undefined);
});

Deno.test("time without a job to be begun is no attempt", () => {
  const { starts, pass } = backoff();
  starts.failed("No process");
  pass(3_600_000);
  starts.failed("No process");
  assertEquals(starts.hopeless, undefined);
});

Deno.test("one failure is never hopeless, however short the patience", () => {
  const { starts } = backoff(0);
  starts.failed("No process");
  assertEquals(starts.hopeless, undefined);
});
