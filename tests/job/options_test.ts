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
