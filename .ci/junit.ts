/**
 * Counts the tests in the report of `deno test --junit-path`.
 *
 * @module
 */

/** What was executed, and what was not. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** The names of the tests that were not executed; they say why. */
  readonly skipped: readonly string[];
}

const TEST_CASE =
  /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>([^]*?)<\/testcase>/g;

/** Counts tests, not their steps: a test with a failed step has failed once. */
export function tally(report: string): Tally {
  const cases = [...report.matchAll(TEST_CASE)].map(([, name, file, body]) => ({
    name: unescape(name ?? ""),
    file: file ?? "",
    body: body ?? "",
  }));
  const names = new Set(cases.map(({ file, name }) => `${file} ${name}`));
  const isStep = (file: string, name: string) =>
    prefixes(name).some((prefix) => names.has(`${file} ${prefix}`));
  const tests = cases.filter(({ file, name }) => !isStep(file, name));
  const skipped = tests.filter(({ body }) => body.includes("<skipped"));
  const failed = tests.filter(({ body }) => /<(failure|error)\b/.test(body));
  return {
    passed: tests.length - skipped.length - failed.length,
    failed: failed.length,
    skipped: skipped.map(({ name }) => name),
  };
}

/** What stands before each ` > ` of a name: a step is named `test > step`. */
function prefixes(name: string): string[] {
  const parts = name.split(" > ");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join(" > "));
}

function unescape(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    amp: "&",
    apos: "'",
    gt: ">",
    lt: "<",
    quot: '"',
  };
  return text.replaceAll(
    /&(\w+);/g,
    (entity, name: string) => entities[name] ?? entity,
  );
}
