import { assertEquals, assertThrows } from "@std/assert";
import {
  Dependency,
  dependency,
  type DependencyOptions,
  type DependsOn,
  edgeFields,
  edgesOf,
} from "../../lib/job/dependency.ts";

/** What is stored, by the names of the fields. */
function stored(dependsOn: DependsOn): Record<string, string | number> {
  return Object.fromEntries(edgeFields(edgesOf(dependsOn)));
}

Deno.test("what a job waits for can be a job, an id, dependency() or a list of these, each once", () => {
  const job = { id: "a" };
  const ids = (dependsOn: DependsOn | undefined) => [
    ...edgesOf(dependsOn).policies.keys(),
  ];
  assertEquals(ids(job), ["a"]);
  assertEquals(ids("b"), ["b"]);
  assertEquals(ids(dependency([job, "b"])), ["a", "b"]);
  const all = [job, "b", dependency(["c", job]), dependency("b")];
  assertEquals(ids(all), ["a", "b", "c"]);
  assertEquals(ids([]), []);
  assertEquals(ids(undefined), []);
  assertEquals(edgeFields(edgesOf([])), []);
});

Deno.test("each dependency has its own policy; RQ's flag is set only if all of them are to run", () => {
  const run = dependency("a", { allowFailure: true });
  assertEquals(run.ifParentFails, "run");
  assertEquals(stored(["a", "b"]), {
    dependency_id: "a",
    dependency_ids: '["a","b"]',
  });
  assertEquals(stored([run, dependency("b", { ifParentFails: "run" })]), {
    dependency_id: "a",
    dependency_ids: '["a","b"]',
    x_if_parent_fails: '{"*":"run"}',
    allow_dependency_failures: 1,
  });
  assertEquals(
    stored([run, "b", dependency(["c", "d"], { ifParentFails: "fail" })]),
    {
      dependency_id: "a",
      dependency_ids: '["a","b","c","d"]',
      x_if_parent_fails: '{"a":"run","b":"wait","*":"fail"}',
    },
  );
});

Deno.test("one that goes to the head takes the job there; results are passed of those that say so", () => {
  const edges = edgesOf([
    dependency("a", { atFront: true }),
    dependency(["c", "b"], { passResults: true }),
  ]);
  assertEquals([edges.atFront, edges.passed], [true, ["c", "b"]]);
  assertEquals(stored(dependency("a", { passResults: true })), {
    dependency_id: "a",
    dependency_ids: '["a"]',
    x_pass_results: '["a"]',
  });
  const { atFront, passResults, ifParentFails } = new Dependency("a");
  assertEquals([atFront, passResults, ifParentFails], [false, false, "wait"]);
});

Deno.test.each<[string, unknown, typeof TypeError]>([
  ["null", null, TypeError],
  ["a number", 5, TypeError],
  ["an object", {}, TypeError],
  ["an id with a colon", "a:b", RangeError],
  ["a job whose id is a number", { id: 5 }, TypeError],
])("a job cannot wait for %s", (_name, value, type) => {
  assertThrows(() => edgesOf(value as string), type);
});

Deno.test("one job cannot be waited for in two ways", () => {
  const twice = ["a", dependency("a", { ifParentFails: "fail" })];
  assertThrows(
    () => edgesOf(twice),
    TypeError,
    'Cannot depend on job "a" twice: with ifParentFails "wait" and "fail"',
  );
});

Deno.test.each<[unknown, typeof TypeError, string]>([
  [
    { allowFailures: true },
    TypeError,
    'no option "allowFailures", there are ifParentFails, allowFailure, passResults, atFront',
  ],
  [
    { ifParentFails: "explode" },
    RangeError,
    'Cannot use ifParentFails "explode": expected "wait", "fail", "cancel", "run"',
  ],
  [{ ifParentFails: 5 }, RangeError, "Cannot use ifParentFails 5"],
  [{ allowFailure: true, ifParentFails: "fail" }, TypeError, 'means "run"'],
  [{ allowFailure: 1 }, TypeError, "expected true or false, got number"],
  [{ passResults: "yes" }, TypeError, "expected true or false, got string"],
  [null, TypeError, "expected an object of options, got null"],
])("dependency() refuses the options %j", (options, type, text) => {
  const given = options as DependencyOptions;
  assertThrows(() => dependency("a", given), type, text);
});
