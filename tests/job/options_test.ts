import { assertEquals, assertThrows } from "@std/assert";
import { checkJobOptions, type JobOptions } from "../../lib/job/options.ts";

Deno.test("options that are not given are RQ's defaults", () => {
  assertEquals(checkJobOptions({}), {
    timeout: 180,
    resultTtl: undefined,
    failureTtl: undefined,
    ttl: undefined,
    jobId: undefined,
    atFront: false,
    due: undefined,
    rateLimit: undefined,
    fairKey: undefined,
    group: undefined,
    repeat: undefined,
    retry: undefined,
    callbacks: [],
    unique: undefined,
    tags: undefined,
    webhooks: [],
    description: undefined,
    meta: undefined,
    isolation: undefined,
  });
  assertEquals(checkJobOptions({}, -1).timeout, -1);
});

Deno.test("lengths of time become seconds", () => {
  const { timeout, resultTtl, failureTtl, ttl } = checkJobOptions({
    timeout: "1h30m",
    resultTtl: 0,
    failureTtl: -1,
    ttl: "1d",
  });
  assertEquals([timeout, resultTtl, failureTtl, ttl], [5_400, 0, -1, 86_400]);
});

Deno.test("when a job may run is told in seconds: those since 1970, or from now", () => {
  const due = (options: JobOptions) => checkJobOptions(options).due;
  assertEquals(due({ at: new Date(1_795_401_446_887) }), "1795401446.887");
  assertEquals(due({ at: new Date(-5) }), undefined);
  assertEquals(due({ in: "1h30m" }), "+5400");
  assertEquals(due({ in: 0.25 }), "+0.25");
  assertEquals(due({ in: 0 }), undefined);
});

const RANGE: [string, JobOptions][] = [
  ["timeout", { timeout: 0 }],
  ["timeout", { timeout: -5 }],
  ["timeout", { timeout: NaN }],
  ["timeout", { timeout: "1x" }],
  ["timeout", { timeout: "" }],
  ["timeout", { timeout: 1.5 }],
  ["timeout", { timeout: Infinity }],
  ["timeout", { timeout: null as never }],
  ["resultTtl", { resultTtl: -2 }],
  ["resultTtl", { resultTtl: NaN }],
  ["resultTtl", { resultTtl: "soon" }],
  ["failureTtl", { failureTtl: -2 }],
  ["failureTtl", { failureTtl: 0.5 }],
  ["ttl", { ttl: 0 }],
  ["ttl", { ttl: -1 }],
  ["ttl", { ttl: -5 }],
  ["ttl", { ttl: NaN }],
  ["in", { in: -1 }],
  ["in", { in: "soon" }],
  ["in", { in: Infinity }],
  ["at", { at: new Date(NaN) }],
  ["at", { at: new Date(Date.UTC(10_000, 0)) }],
  ["job id", { jobId: "a b" }],
  ["job id", { jobId: "" }],
  ["job id", { jobId: "a:b" }],
];

Deno.test.each(RANGE)(
  "a bad %s is a RangeError that names it: %j",
  (name, options) => {
    assertThrows(() => checkJobOptions(options), RangeError, name);
  },
);

const TYPE: [string, JobOptions][] = [
  ["at", { at: "2026-11-23" as never }],
  ["at", { at: 1_795_401_446 as never }],
  ['"at" and "in"', { at: new Date(), in: 5 }],
  ["description", { description: 5 as never }],
  ["description", { description: null as never }],
  ["meta", { meta: [] as never }],
  ["meta", { meta: null as never }],
  ["meta", { meta: "x" as never }],
  ["job id", { jobId: 5 as never }],
];

Deno.test.each(TYPE)(
  "a %s of the wrong type is a TypeError: %j",
  (name, options) => {
    assertThrows(() => checkJobOptions(options), TypeError, name);
  },
);
