import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readDenoArgs } from "../../lib/runner/deno_args.ts";
import { isInstalled } from "../../.ci/deno.ts";
import { Project } from "../support/project.ts";
import { testUnless } from "../support/skip.ts";
import { eachWayOf, TestRunner } from "./support.ts";

const FILES = {
  "deno.json": '{ "imports": { "word": "./project.ts" } }',
  "own.json": '{ "imports": { "word": "./own.ts" } }',
  "project.ts": 'export default "of the project";',
  "own.ts": 'export default "of its own";',
  "word.ts": 'import word from "word"; export const say = () => word;',
  "look.ts": `export const kv = () => typeof Deno.openKv;
     export const gc = () => typeof globalThis.gc;
     export const broadcast = () => typeof BroadcastChannel;`,
};

eachWayOf([
  { arg: "--import-map=@/own.json", func: "word.say", expected: "of its own" },
  { arg: "--config=@/own.json", func: "word.say", expected: "of its own" },
  { arg: "-c=@/own.json", func: "word.say", expected: "of its own" },
  { arg: "--unstable-kv", func: "look.kv", expected: "function" },
  { arg: "--v8-flags=--expose-gc", func: "look.gc", expected: "function" },
  {
    arg: "--node-modules-dir=manual",
    func: "word.say",
    expected: "of the project",
  },
  { arg: "--quiet", func: "look.gc", expected: "undefined" },
])("$arg reaches the deno of a job: $func", async (create, row) => {
  using project = new Project(FILES);
  const args = row.arg.replace("@", project.path);
  await using t = await create({ paths: [project.path], denoArgs: [args] });
  assertEquals(await t.result(row.func), row.expected);
});

Deno.test("--node-modules-dir makes the packages of a job those of its folder", async () => {
  using project = new Project({
    "deno.json": "{}",
    "package.json": '{ "dependencies": { "tiny": "1.0.0" } }',
    "node_modules/tiny/package.json":
      '{ "name": "tiny", "version": "1.0.0", "exports": "./tiny.mjs" }',
    "node_modules/tiny/tiny.mjs": 'export default "from the folder";',
    "job.ts": 'import tiny from "tiny"; export const say = () => tiny;',
  });
  await using t = await TestRunner.create({
    paths: [project.path],
    denoArgs: ["--node-modules-dir=manual"],
  });
  assertEquals(await t.result("job.say"), "from the folder");
});

Deno.test("V8 flags of the user and a limit of memory hold together", async () => {
  using project = new Project(FILES);
  await using t = await TestRunner.create({
    paths: [project.path],
    denoArgs: ["--v8-flags=--expose-gc"],
    jobMemory: 200 * 1024 * 1024,
  });
  assertEquals(await t.result("look.gc"), "function");
});

Deno.test("an unknown flag of deno is no job's fault", async () => {
  await using t = await TestRunner.create({ denoArgs: ["--no-such-flag"] });
  const { message, reason } = await t.failure("jobs.one");
  assertEquals(reason, "start");
  assertStringIncludes(message, "--no-such-flag");
});

testUnless(
  await isInstalled("openssl") ? undefined : "there is no openssl",
  "--cert makes a job trust the servers of an authority",
  async () => {
    using project = new Project({
      "deno.json": "{}",
      "job.ts":
        "export const get = async (url: string) => await (await fetch(url)).text();",
    });
    const { code } = await new Deno.Command("openssl", {
      args: [
        ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
          .split(" "),
        ..."-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
          .split(" "),
      ],
      cwd: project.path,
      stderr: "null",
    }).output();
    assertEquals(code, 0);
    const read = (file: string) =>
      Deno.readTextFileSync(`${project.path}/${file}`);
    await using server = Deno.serve({
      port: 0,
      cert: read("cert.pem"),
      key: read("key.pem"),
      onListen: () => {},
    }, () => new Response("trusted"));
    await using t = await TestRunner.create({
      paths: [project.path],
      denoArgs: [`--cert=${project.path}/cert.pem`],
    });
    const url = `https://localhost:${server.addr.port}`;
    assertEquals(await t.result("job.get", [url]), "trusted");
  },
);

Deno.test.each([
  ["-A", "--job-allow-…"],
  ["-qR", "--job-allow-…"],
  ["-P=all", "--job-allow-…"],
  ["--allow-all", "--job-allow-all"],
  ["--allow-net=a.example", "--job-allow-net"],
  ["--deny-env", "--job-deny-env"],
  ["--ignore-read=/etc", "--job-ignore-read"],
  ["--allow-import", "--job-allow-import"],
  ["main.ts", "expected a flag"],
  ["--", "expected a flag"],
  ["-", "expected a flag"],
  ["", "expected a flag"],
])("the deno of jobs is not given %s, and the error names %s", (arg, named) => {
  const error = assertThrows(() => readDenoArgs(["--quiet", arg]), TypeError);
  assertStringIncludes(error.message, named);
});

Deno.test("what looks like a permission and is none is passed on", () => {
  const args = ["--allow-scripts=npm:tiny", "--no-remote", "--seed=1", "-q"];
  assertEquals(readDenoArgs(args).args, args);
});
