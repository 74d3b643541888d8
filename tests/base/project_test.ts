import { assertEquals } from "@std/assert";
import { projectRoot } from "../../lib/base/project.ts";

/** Creates files in a temporary folder. */
function folder(files: Readonly<Record<string, string>>): Disposable & {
  path: string;
} {
  const path = Deno.makeTempDirSync();
  for (const [name, text] of Object.entries(files)) {
    const file = `${path}/${name}`;
    Deno.mkdirSync(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(file, text);
  }
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

Deno.test.each<[string, string, string]>([
  ["a list", `{ "workspace": ["./packages/a", "b"] }`, ""],
  ["a pattern", `{ "workspace": ["./packages/*"] }`, ""],
  ["a pattern of any depth", `{ "workspace": ["**/a/"] }`, ""],
  ["an object", `{ "workspace": { "members": ["packages/a"] } }`, ""],
  [
    "comments and commas",
    `{ // a "word"\n /* , */ "name": "a//b,]", "workspace": ["packages/a",], }`,
    "",
  ],
  ["no member", `{ "workspace": ["./packages/b", "packages"] }`, "/packages/a"],
  [
    "a member that is left out",
    `{ "workspace": ["packages/*", "!packages/a"] }`,
    "/packages/a",
  ],
  ["no workspace", `{}`, "/packages/a"],
  ["a broken configuration", `{ "workspace": [`, "/packages/a"],
  ["a workspace that is none", `{ "workspace": 5 }`, "/packages/a"],
])("the root of a member is told by %s", (_name, config, root) => {
  using made = folder({
    "deno.jsonc": config,
    "packages/a/deno.json": "{}",
    "packages/a/jobs/mail.ts": "",
  });
  const { path } = made;
  assertEquals(projectRoot(`${path}/packages/a/jobs`), path + root);
  assertEquals(projectRoot(path), path);
});

Deno.test("a folder without a configuration has no root", () => {
  using made = folder({ "a/m.ts": "" });
  assertEquals(projectRoot(`${made.path}/a`), undefined);
});
