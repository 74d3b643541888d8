import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { pathToFileURL } from "node:url";
import { nearestConfig } from "../../lib/base/project.ts";
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

Deno.test("resolveFunc() takes URLs as they are", async () => {
  const config = await nearestConfig(Deno.cwd());
  for (
    const url of ["jsr:@me/jobs@1", "npm:jobs", "https://example.com/a.ts"]
  ) {
    const found = await resolveFunc(`${url}#run`, { paths: [] });
    assertEquals(found, {
      url,
      exportName: "run",
      ...(config ? { config } : {}),
    });
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
    async () => await resolveFunc("file:///nowhere/a.ts#f", { paths: [] }),
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
