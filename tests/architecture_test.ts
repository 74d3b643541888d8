/** The rules of the project: which folder may import which, who spells keys, how long a file may be. */

import { assert, assertEquals } from "@std/assert";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import config from "../deno.json" with { type: "json" };
import { VERSION } from "../lib/base/version.ts";
import { runFlags } from "./support/deno_flags.ts";
import { ROOT } from "./support/paths.ts";

/** From the bottom up: a folder imports from those before it, and from itself. */
const FOLDERS = [
  "base",
  "redis",
  "job",
  "store",
  "queue",
  "runner",
  "worker",
  "cli",
  "testing",
];

/** Folders that another one must not import although they are before it. */
const STRANGERS: Readonly<Record<string, readonly string[]>> = {
  job: ["redis"],
  runner: ["redis", "store", "queue"],
  testing: ["cli"],
};

const ENTRIES = [
  "mod.ts",
  "worker.ts",
  "lib/worker/worker_pool.ts",
  "lib/runner/child.ts",
  "lib/runner/current.ts",
  "lib/testing/mod.ts",
];

const TOP_LEVEL = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "deno.json",
  "examples",
  "lib",
  "mod.ts",
  "tests",
  "worker.ts",
];

/** For whoever changes the project. */
const DOCUMENTS: readonly string[] = [
  ".github/ARCHITECTURE.md",
  ".github/CONTRIBUTING.md",
];

interface Import {
  readonly from: string;
  readonly to: string;
}

Deno.test("imports between the folders of lib/ go down only", async () => {
  const climbing = (await importsOf(ENTRIES)).filter(({ from, to }) =>
    folderOf(from) && folderOf(to) && !mayImport(folderOf(from), folderOf(to))
  );
  assertEquals(climbing.map(show), []);
});

Deno.test("lib/ imports packages and lib/ only", async () => {
  // Where JSR cannot be reached, a package is a file in .ci/npm/.
  const outside = (await importsOf(ENTRIES)).filter(({ from, to }) =>
    from.startsWith("lib/") && !/^(\w+:|lib\/|\.ci\/npm\/)/.test(to)
  );
  assertEquals(outside.map(show), []);
});

Deno.test("every module of lib/ is reached from an entry point", async () => {
  const reached = new Set(
    (await importsOf(ENTRIES)).flatMap(({ from, to }) => [from, to]),
  );
  const files = sourceFiles("lib").filter((file) => !reached.has(file));
  assertEquals(files, []);
});

Deno.test("the subprocess loads only base/, job/ and runner/, and no package", async () => {
  const loaded = await importsOf(["lib/runner/child.ts"]);
  const strange = loaded.filter(({ to }) =>
    !to.startsWith("node:") && !["base", "job", "runner"].includes(folderOf(to))
  );
  assertEquals(strange.map(show), []);
});

Deno.test("the worker and the program use of lib/queue/ what mod.ts gives to everybody, and nothing else", () => {
  const given = namesFrom("mod.ts", "./lib/queue/");
  const used = [...sourceFiles("lib/worker"), ...sourceFiles("lib/cli")]
    .flatMap((file) =>
      ["../queue/", "../../queue/"].flatMap((folder) =>
        namesFrom(file, folder).map((name) => ({ file, name }))
      )
    );
  assertEquals(used.filter(({ name }) => !given.includes(name)), []);
  // A job enqueues through its worker, which does so as any producer would, and commands use the API.
  assertEquals(
    [...new Set(used.map(({ file }) => file))]
      .filter((file) => !file.startsWith("lib/cli/")),
    ["lib/worker/job_host.ts"],
  );
});

Deno.test("what lib/ exports is imported by somebody", () => {
  const files = [
    ...ENTRIES,
    ...["lib", "tests", "examples", ".ci"].flatMap(sourceFiles),
  ];
  const imported = new Set(files.flatMap(importedNames));
  const unused = sourceFiles("lib").flatMap((file) =>
    exportedValues(file).map((name) => `${name} of ${file}`)
  ).filter((name) =>
    !imported.has(name) && !NAMED_ELSEWHERE.has(name) &&
    !name.startsWith(`command of ${COMMANDS}`)
  );
  assertEquals(unused, []);
});

Deno.test("only lib/store/keys.ts spells a key", () => {
  const spelled = sourceFiles("lib")
    .filter((file) => file !== "lib/store/keys.ts")
    .flatMap((file) =>
      codeLines(file)
        .filter(({ line }) => SPELLS_KEY.some((pattern) => pattern.test(line)))
        .map(({ line, number }) => `${file}:${number} ${line.trim()}`)
    );
  assertEquals(spelled, []);
});

Deno.test("no file of lib/ or tests/ is longer than 400 lines", () => {
  const long = [...sourceFiles("lib"), ...sourceFiles("tests")]
    .map((file) => ({ file, lines: read(file).split("\n").length - 1 }))
    .filter(({ lines }) => lines > 400);
  assertEquals(long, []);
});

Deno.test("only the subprocess ends its process", () => {
  const exits = sourceFiles("lib")
    .filter((file) => !file.startsWith("lib/runner/child"))
    .filter((file) => codeLines(file).some(({ line }) => EXITS.test(line)));
  assertEquals(exits, []);
});

/** What Node 20 and Bun lack, and what is newer than they are. */
const NOT_ON_NODE =
  /\bDeno\.|Promise\.(withResolvers|try)|Array\.fromAsync|RegExp\.escape|URL\.parse|^\s*(const .* = )?(await )?using /;

Deno.test("producers' code uses nothing that only Deno has, but for lib/base/platform.ts", () => {
  const uses = sourceFiles("lib")
    .filter((file) => /^lib\/(job|redis|store|queue)\//.test(file))
    .flatMap((file) =>
      codeLines(file)
        .filter(({ line }) => NOT_ON_NODE.test(line))
        .map(({ line, number }) => `${file}:${number} ${line.trim()}`)
    );
  assertEquals(uses, []);
});

Deno.test("only lib/worker/output.ts and lib/cli/output.ts write to the streams of the program", () => {
  const writes = sourceFiles("lib")
    .filter((file) => !/^lib\/(worker|cli)\/output.ts$/.test(file))
    .filter((file) => !file.startsWith("lib/runner/child"))
    .flatMap((file) =>
      codeLines(file)
        .filter(({ line }) => WRITES.test(line))
        .map(({ line, number }) => `${file}:${number} ${line.trim()}`)
    );
  assertEquals(writes, []);
});

Deno.test("lib/base/version.ts has the version of deno.json", () => {
  assertEquals(VERSION, config.version);
});

Deno.test("the import map of the stand-ins covers the imports of deno.json", () => {
  const map = JSON.parse(read(".ci/npm/import_map.json")) as {
    imports: Record<string, string>;
  };
  const missing = Object.keys(config.imports).filter((name) =>
    !Object.hasOwn(map.imports, name)
  );
  assertEquals(missing, []);
  assertEquals(map.imports["ioredis"], config.imports.ioredis);
});

Deno.test.each(DOCUMENTS)("every path that %s names exists", (document) => {
  const files = ["lib", "tests", ".ci"].flatMap(filesIn).concat(TOP_LEVEL);
  const named = read(document).matchAll(/`([\w./]+(?:\.(?:ts|md|json)|\/))`/g);
  const missing = [...named].map(([, path]) => path!).filter((path) =>
    path.endsWith("/")
      ? !files.some((file) => `/${file}`.includes(`/${path}`))
      : !files.some((file) => `/${file}`.endsWith(`/${path}`))
  );
  assertEquals(missing, []);
});

Deno.test("nothing else lies at the top of the project", () => {
  const entries = [...Deno.readDirSync(ROOT)].map(({ name }) => name);
  const built = ["coverage", "node_modules", "rq-worker"]; // kept out of git
  const strange = entries.filter((name) =>
    !name.startsWith(".") && !TOP_LEVEL.includes(name) && !built.includes(name)
  );
  assertEquals(strange, []);
});

/** Commands are loaded through their table. */
const COMMANDS = "lib/cli/commands/";

/** Exports that nobody imports by name. */
const NAMED_ELSEWHERE: ReadonlySet<string> = new Set([
  "currentModule of lib/runner/child.ts", // puts a module into the graph
  "rehearsal of lib/runner/child_job.ts", // called as a job is
]);

/** A string that starts like a key, in TypeScript or in Lua, and a key that is concatenated in Lua. */
const SPELLS_KEY = [/["'`]rq:[^"'`\s]/, /\bP\s*\.\.\s*['"]/];

/** A call, not a string that mentions one. */
const WRITES = /^[^"'`]*\b(console\.|Deno\.std(out|err)\b)/;
const EXITS = /^[^"'`]*\bDeno\.exit\(/;

/** The project's own imports in the module graph of some modules, type imports too. */
async function importsOf(entries: readonly string[]): Promise<Import[]> {
  const graphs = await Promise.all(entries.map(graphOf));
  const all = graphs.flat();
  const unique = new Map(all.map((found) => [show(found), found]));
  return [...unique.values()];
}

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

async function graphOf(entry: string): Promise<Import[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", ...runFlags(), entry],
    cwd: ROOT,
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
  const root = `${pathToFileURL(ROOT).href}/`;
  const local = (url: string) =>
    url.startsWith(root)
      ? url.slice(root.length)
      : url.replace(/^file:\/\//, "");
  return modules.filter(({ specifier }) => specifier.startsWith(root))
    .flatMap(({ specifier, error, dependencies = [] }) => {
      assert(error === undefined, error);
      return dependencies.map((found) => ({
        from: local(specifier),
        to: local(
          found.code?.specifier ?? found.type?.specifier ?? found.specifier,
        ),
      }));
    });
}

function mayImport(from: string, to: string): boolean {
  return FOLDERS.indexOf(to) <= FOLDERS.indexOf(from) &&
    FOLDERS.includes(to) && !STRANGERS[from]?.includes(to);
}

/** The folder of lib/ that a file is in, or "". */
function folderOf(file: string): string {
  return /^lib\/([^/]+)\//.exec(file)?.[1] ?? "";
}

interface Names {
  readonly names: readonly string[];
  /** As the file spells it. */
  readonly path: string;
}

/** What a file imports, or exports out of others, by name. */
function namesIn(file: string): Names[] {
  const found = read(file).matchAll(
    /\{([^{}]*)\}\s*(?:from\s*|=\s*await import\(\s*)"([^"]+)"/g,
  );
  return [...found].map(([, names = "", path = ""]) => ({
    path,
    names: names.split(",")
      .map((name) => name.trim().replace(/^type | as \w+$/g, ""))
      .filter((name) => name !== ""),
  }));
}

/** What a file imports from the files of a folder. */
function namesFrom(file: string, folder: string): string[] {
  return namesIn(file).filter(({ path }) => path.startsWith(folder))
    .flatMap(({ names, path }) =>
      names.map((name) => `${name} of ${path.slice(folder.length)}`)
    );
}

/** What a file imports from others of the project. */
function importedNames(file: string): string[] {
  return namesIn(file).flatMap(({ names, path }) =>
    names.map((name) => `${name} of ${join(dirname(file), path)}`)
  );
}

/** The values that a file exports; a type may be there for the sake of others. */
function exportedValues(file: string): string[] {
  const found = read(file).matchAll(
    /^export (?:abstract |async )*(?:function\*?|class|const|let) (\w+)/gm,
  );
  return [...found].map(([, name = ""]) => name);
}

function show({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

function sourceFiles(folder: string): string[] {
  return filesIn(folder).filter((path) => basename(path).endsWith(".ts"));
}

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory ? filesIn(path) : [path];
  });
}

/** The lines of a file that are not comments, with their numbers. */
function codeLines(file: string): { line: string; number: number }[] {
  return read(file).split("\n")
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => !/^\s*(\/\/|\/\*|\*|--)/.test(line));
}

function read(file: string): string {
  return Deno.readTextFileSync(join(ROOT, file));
}

Deno.test("the transition that ARCHITECTURE.md shows is the code as it is", async () => {
  const [document, source] = await Promise.all(
    [".github/ARCHITECTURE.md", "lib/store/scripts/requeue.ts"]
      .map((file) => Deno.readTextFile(join(ROOT, file))),
  );
  const [, shown = ""] = /```lua\n([\s\S]*?)\n *```/.exec(document!) ?? [];
  const [, body] = /`\nlocal([\s\S]*?)\n`,\n\);/.exec(source!) ?? [];
  assertEquals(shown.replaceAll(/^ {3}/gm, ""), `local${body}`);
});
