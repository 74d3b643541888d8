import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { parseModulePattern } from "../../lib/runner/module_patterns.ts";
import { nearestConfig } from "../../lib/base/project.ts";
import { WEBHOOK_URL } from "../../lib/runner/protocol.ts";
import { resolveFunc } from "../../lib/runner/resolve.ts";

async function project(
  files: string[],
): Promise<AsyncDisposable & { dir: string }> {
  const dir = await Deno.makeTempDir();
  for (const file of files) {
    await Deno.mkdir(`${dir}/${file}`.replace(/\/[^/]*$/, ""), {
      recursive: true,
    });
    await Deno.writeTextFile(`${dir}/${file}`, "");
  }
  return {
    dir,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

Deno.test.each([
  { ref: "jobs.mail.send", file: "one/jobs/mail.ts", exportName: "send" },
  { ref: "jobs.push.send", file: "one/jobs/push.mts", exportName: "send" },
  { ref: "jobs.sms.send", file: "two/jobs/sms.js", exportName: "send" },
  { ref: "jobs.fax.send", file: "two/jobs/fax.mjs", exportName: "send" },
  { ref: "jobs.all.run", file: "two/jobs/all/mod.ts", exportName: "run" },
  {
    ref: "jobs/send-mail.ts#f",
    file: "one/jobs/send-mail.ts",
    exportName: "f",
  },
  { ref: "./jobs/mail.ts", file: "one/jobs/mail.ts", exportName: "default" },
])(
  "resolveFunc() finds $ref in $file",
  async ({ ref, file, exportName }) => {
    await using temp = await project([
      "one/jobs/mail.ts",
      "one/jobs/mail.js",
      "one/jobs/push.mts",
      "one/jobs/send-mail.ts",
      "two/jobs/sms.js",
      "two/jobs/fax.mjs",
      "two/jobs/all/mod.ts",
      "one/deno.json",
      "two/jobs/deno.jsonc",
    ]);
    const { dir } = temp;
    const found = await resolveFunc(ref, {
      paths: [`${dir}/one`, `${dir}/two`],
    });
    const config = file.startsWith("one")
      ? "one/deno.json"
      : "two/jobs/deno.jsonc";
    assertEquals(found, {
      url: pathToFileURL(`${dir}/${file}`).href,
      exportName,
      config: `${dir}/${config}`,
    });
  },
);

Deno.test("resolveFunc() reads a dotted path as a static method if no path has the longer file", async () => {
  await using temp = await project([
    "one/jobs.ts",
    "two/jobs/Mailer.js",
    "two/shop/mod.ts",
    "one/twice.ts",
    "two/twice.js",
  ]);
  const one = `${temp.dir}/one`;
  const two = `${temp.dir}/two`;
  const found = (ref: string, ...paths: string[]) => {
    const { url, exportName } = resolveFunc(ref, { paths });
    return [url.slice(pathToFileURL(temp.dir).href.length + 1), exportName];
  };
  const name = "jobs.Mailer.send";
  assertEquals(found(name, one), ["one/jobs.ts", "Mailer.send"]);
  assertEquals(found(name, one, two), ["two/jobs/Mailer.js", "send"]);
  assertEquals(found("shop.Cart.clear", one, two), [
    "two/shop/mod.ts",
    "Cart.clear",
  ]);
  assertThrows(
    () => found("twice.Mailer.send", one, two),
    TypeError,
    "it may be",
  );
  assertThrows(() => found("a.jobs.Mailer.send", one), Deno.errors.NotFound);
});

Deno.test("resolveFunc() takes modules that are allowed as they are", async () => {
  const config = await nearestConfig(Deno.cwd());
  const modules = ["jsr:@me/*", "npm:jobs", "https://example.com"]
    .map(parseModulePattern);
  for (
    const url of ["jsr:@me/jobs@1", "npm:jobs", "https://example.com/a.ts"]
  ) {
    const found = await resolveFunc(`${url}#run`, { paths: [], modules });
    assertEquals(found, {
      url,
      exportName: "run",
      ...(config ? { config } : {}),
    });
  }
});

Deno.test.each([
  "jsr:@me/jobs#f",
  "npm:jobs#f",
  "https://example.com/a.ts#f",
  "http://example.com/a.ts#f",
])("resolveFunc() does not take %s unless it is allowed", (ref) => {
  const modules = ["jsr:@you/*", "https://example.org"].map(parseModulePattern);
  assertThrows(
    () => resolveFunc(ref, { paths: ["/"], modules }),
    Deno.errors.NotCapable,
    "--job-modules",
  );
});

Deno.test.each([
  "node:child_process#execSync",
  "NODE:fs#rmSync",
  "data:text/javascript,export default 1",
  `${WEBHOOK_URL}#sendWebhook`,
  "DATA:text/javascript,1#f",
  "blob:https://a/b#f",
  "javascript:1#f",
  "git:a#f",
])("resolveFunc() never takes %s", (ref) => {
  const modules = ["npm:*", "jsr:*"].map(parseModulePattern);
  assertThrows(
    () => resolveFunc(ref, { paths: ["/"], modules }),
    TypeError,
    "never loaded",
  );
});

Deno.test("resolveFunc() takes only files that really are under a path", async () => {
  await using temp = await project(["in/a.ts", "out/b.ts", "in2/c.ts"]);
  const { dir } = temp;
  await Deno.symlink(`${dir}/out/b.ts`, `${dir}/in/link.ts`);
  await Deno.symlink(`${dir}/out`, `${dir}/in/folder`);
  await Deno.symlink(`${dir}/in/a.ts`, `${dir}/in/same.ts`);
  await Deno.symlink(`${dir}/in`, `${dir}/current`);
  const at = (ref: string, path = `${dir}/in`) =>
    resolveFunc(ref, { paths: [path] }).exportName;
  for (const ref of ["a.f", "same.f", `file://${dir}/in/a.ts#f`]) {
    assertEquals(at(ref), "f");
    assertEquals(at(ref, `${dir}/current`), "f");
  }
  assertEquals(at(`FILE://${dir}/in/a.ts#f`), "f");
  assertEquals(at(`file://${dir}/current/a.ts#f`), "f");
  for (
    const ref of [
      "link.f",
      "folder.b.f",
      `file://${dir}/out/b.ts#f`,
      `file://${dir}/in/../out/b.ts#f`,
      `file://${dir}/in/%2e%2e/out/b.ts#f`,
      `FILE://${dir}/out/b.ts#f`,
      `file:${dir}/out/b.ts#f`,
      `file://${dir}/in2/c.ts#f`,
      `file://${dir}/in/folder/nowhere.ts#f`,
      "file:///etc/shadow",
      "file:///nowhere/x.ts#f",
    ]
  ) {
    assertThrows(() => at(ref), Deno.errors.NotCapable, "worker's paths");
  }
  for (
    const ref of [
      "file://host/a.ts#f",
      "file:///a%2Fb.ts#f",
      "file:///a%00.ts#f",
    ]
  ) {
    assertThrows(() => at(ref), TypeError, "names no file");
  }
});

Deno.test("resolveFunc() takes no file that is no module by its name", async () => {
  await using temp = await project([".env", "a.json", "b.txt", "c.wasm"]);
  await Deno.symlink(`${temp.dir}/.env`, `${temp.dir}/d.ts`);
  for (
    const ref of [
      ".env#A",
      "a.json#b",
      "b.txt#c",
      "c.wasm#d",
      "d.e",
      `file://${temp.dir}/.env`,
    ]
  ) {
    assertThrows(
      () => resolveFunc(ref, { paths: [temp.dir] }),
      TypeError,
      "no module",
    );
  }
});

Deno.test("resolveFunc() names every place where it looked", async () => {
  const error = await assertRejects(
    async () =>
      await resolveFunc("tasks.add", { paths: ["/nowhere/a", "/nowhere/b"] }),
    Deno.errors.NotFound,
    'Cannot find the module of "tasks.add"',
  );
  for (const path of ["/nowhere/a/tasks.ts", "/nowhere/b/tasks/mod.ts"]) {
    assertStringIncludes(error.message, path);
  }
  await assertRejects(
    async () =>
      await resolveFunc("file:///nowhere/a.ts#f", { paths: ["/nowhere"] }),
    Deno.errors.NotFound,
  );
});

Deno.test("resolveFunc() finds a module that came later", async () => {
  await using temp = await project([]);
  const options = { paths: [temp.dir] };
  await assertRejects(async () => await resolveFunc("late.run", options));
  await Deno.writeTextFile(`${temp.dir}/late.ts`, "");
  assertEquals((await resolveFunc("late.run", options)).exportName, "run");
});

Deno.test.each(["../a.ts#f", "jobs/../../a.ts#f", "/etc/a.ts#f", "..\\a.ts#f"])(
  "resolveFunc() refuses %s, which leads out of the paths",
  async (ref) => {
    await assertRejects(
      async () => await resolveFunc(ref, { paths: ["/"] }),
      TypeError,
    );
  },
);

Deno.test("resolveFunc() refuses what two paths answer, in whatever form", async () => {
  await using temp = await project([
    "one/jobs/mail.ts",
    "two/jobs/mail.js",
    "one/jobs/send-mail.ts",
    "two/jobs/send-mail.ts",
  ]);
  const paths = [`${temp.dir}/one`, `${temp.dir}/two`];
  for (const ref of ["jobs.mail.send", "jobs/send-mail.ts#f"]) {
    assertThrows(() => resolveFunc(ref, { paths }), TypeError, "it may be");
  }
  const twice = [`${temp.dir}/one`, `${temp.dir}/one/`];
  resolveFunc("jobs.mail.send", { paths: twice });
});
