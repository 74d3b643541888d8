import { assertEquals, assertStringIncludes } from "@std/assert";
import { lockFileOf } from "../../lib/runner/project_lock.ts";
import { Project } from "../support/project.ts";
import { TestRunner } from "./support.ts";

/** A job that tells which version of a package it has. */
const JOB =
  'import p from "ms/package.json" with { type: "json" }; export const version = () => p.version;';
const CONFIG = { imports: { ms: "npm:ms@^2.0.0" } };
const LOCKED = "2.0.0";
const LOCK = JSON.stringify({
  version: "5",
  specifiers: { "npm:ms@2": LOCKED },
  npm: {
    [`ms@${LOCKED}`]: {
      integrity:
        "sha512-Tpp60P6IUJDTuOq/5Z8cdskzJujfwqfOTkrwIwj7IRISpnkJnT6SyJ4PCPnGMoFjC9ddhal5KVIYtAt97ix05A==",
    },
  },
  workspace: { dependencies: ["npm:ms@2"] },
});
const MEMBER_LOCK = JSON.stringify({
  ...JSON.parse(LOCK),
  workspace: { members: { one: { dependencies: ["npm:ms@2"] } } },
});

const PROJECTS = [
  {
    what: "the lock file beside deno.json",
    files: { "deno.json": JSON.stringify(CONFIG), "deno.lock": LOCK },
    lock: "deno.lock",
    job: "job.ts",
  },
  {
    what: "the one that deno.jsonc names",
    files: {
      "deno.jsonc": `// ours\n${
        JSON.stringify({ ...CONFIG, lock: "own.lock" })
      }`,
      "own.lock": LOCK,
      "deno.lock": "{",
    },
    lock: "own.lock",
    job: "job.ts",
  },
  {
    what: "one that is named by its path, and may be written to",
    files: {
      "deno.json": JSON.stringify({
        ...CONFIG,
        lock: { path: "own.lock", frozen: false },
      }),
      "own.lock": LOCK,
    },
    lock: "own.lock",
    job: "job.ts",
  },
  {
    what: "that of the workspace",
    files: {
      "deno.json": '{ "workspace": ["./one"] }',
      "one/deno.json": JSON.stringify(CONFIG),
      "one/deno.lock": "{",
      "deno.lock": MEMBER_LOCK,
    },
    lock: "deno.lock",
    job: "one/job.ts",
  },
  {
    what: "its own, where the workspace above does not have it",
    files: {
      "deno.json": '{ "workspace": ["./two"] }',
      "two/deno.json": "{}",
      "one/deno.json": JSON.stringify(CONFIG),
      "one/deno.lock": LOCK,
      "deno.lock": "{",
    },
    lock: "one/deno.lock",
    job: "one/job.ts",
  },
] as const;

for (const { what, files, lock, job } of PROJECTS) {
  for (const flags of [["-A"], []]) {
    Deno.test(`a job has the versions of its project's lock file: ${what}${flags.length > 0 ? "" : ", without any permission"}`, async () => {
      using project = new Project({ ...files, [job]: JOB });
      await using t = await TestRunner.create({ paths: [project.path], flags });
      assertEquals(await t.result(`${job}#version`), LOCKED);
      const after = await Deno.readTextFile(`${project.path}/${lock}`);
      assertEquals(after, Object.entries(files).find(([n]) => n === lock)![1]);
    });
  }
}

Deno.test.each([
  { what: "what the project imports", imports: "npm:ms@^1.0.0", job: JOB },
  {
    what: "what only the job imports",
    imports: "npm:ms@^2.0.0",
    job: 'import "npm:ms@1.0.0"; export const version = () => "";',
  },
])(
  "a lock file that does not have $what fails the job, and stays as it is",
  async ({ imports, job }) => {
    using project = new Project({
      "deno.json": JSON.stringify({ imports: { ms: imports } }),
      "deno.lock": LOCK,
      "job.ts": job,
      "other/deno.json": "{}",
      "other/job.ts": "export default () => 1;",
    });
    await using t = await TestRunner.create({ paths: [project.path] });
    const { excInfo, reason } = await t.failure("job.version");
    assertEquals(reason, "load");
    assertStringIncludes(excInfo, "The lockfile is out of date");
    assertEquals(await Deno.readTextFile(`${project.path}/deno.lock`), LOCK);
    assertEquals(await t.result("other/job.ts#default"), 1);
  },
);

Deno.test.each<{ what: string; denoArgs: string[]; expected: string }>([
  { what: "none of them", denoArgs: ["--no-lock"], expected: "a newer one" },
  { what: "another one", denoArgs: ["--lock=@/own.lock"], expected: LOCKED },
  {
    what: "one that may be written to",
    denoArgs: ["--frozen=false"],
    expected: LOCKED,
  },
])(
  "the arguments of deno may name $what instead",
  async ({ denoArgs, expected }) => {
    using project = new Project({
      "deno.json": JSON.stringify(CONFIG),
      "deno.lock": denoArgs[0] === "--frozen=false" ? LOCK : "{",
      "own.lock": LOCK,
      "job.ts": JOB,
    });
    await using t = await TestRunner.create({
      paths: [project.path],
      denoArgs: denoArgs.map((arg) => arg.replace("@", project.path)),
    });
    const version = await t.result("job.version");
    assertEquals(version === LOCKED ? LOCKED : "a newer one", expected);
  },
);

Deno.test.each<{ files: Record<string, string>; expected: string | undefined }>(
  [
    { files: { "deno.json": "{}" }, expected: undefined },
    {
      files: { "deno.json": '{ "lock": false }', "deno.lock": "{}" },
      expected: undefined,
    },
    {
      files: { "deno.json": '{ "lock": true }', "deno.lock": "{}" },
      expected: "deno.lock",
    },
    {
      files: { "deno.json": '{ "lock": "gone.lock" }', "deno.lock": "{}" },
      expected: undefined,
    },
    { files: { "deno.json": "{", "deno.lock": "{}" }, expected: "deno.lock" },
    {
      files: { "deno.json": '{ "workspace": [] }', "deno.lock": "{}" },
      expected: "deno.lock",
    },
  ],
)("lockFileOf() of $files", ({ files, expected }) => {
  using project = new Project(files);
  const found = lockFileOf(`${project.path}/deno.json`);
  assertEquals(found?.slice(project.path.length + 1), expected);
});
