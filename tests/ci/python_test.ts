/** How the tests across languages find or install their Pythons. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ensurePythons } from "../../.ci/python.ts";
import { needsPython, testArgs, testEnv } from "../../.ci/tests.ts";

/** A fake `python3`: it records its arguments, and creates environments as `$mode` says. */
const PYTHON = `#!/bin/sh
echo "$*" >> "$0.calls"
mode=$(cat "$0.mode")
for home; do :; done
case "$*" in
  "-c import rq"*) cat "$(dirname "$0")/rq" 2>/dev/null || exit 1 ;;
  "-c import sysconfig"*) echo "$(dirname "$0")/lib" ;;
  "-m venv --clear --without-pip"*)
    mkdir -p "$home/bin" && cp "$0" "$home/bin/python" && cp "$0.mode" "$home/bin/python.mode" ;;
  "-m venv"*)
    [ "$mode" = no-ensurepip ] && { echo "ensurepip is not available"; exit 1; }
    mkdir -p "$home/bin" && cp "$0" "$home/bin/python" && cp "$0.mode" "$home/bin/python.mode" ;;
  "-m pip --version") ;;
  "-m pip install"*)
    [ "$mode" = no-network ] && { echo "ERROR: No matching distribution found" >&2; exit 1; }
    version=$(echo "$*" | sed 's/.*rq==\\([0-9.]*\\).*/\\1/')
    bin=$(echo "$*" | sed -n 's/.*--target \\([^ ]*\\)\\/lib.*/\\1/p')
    echo "$version" > "\${bin:-$(dirname "$0")}/rq" ;;
esac
`;

/** A machine with the fake Python and an empty cache. */
async function machine(mode: string) {
  const cache = await Deno.makeTempDir({ prefix: "rq-python-" });
  const python = `${cache}/python3`;
  await Deno.writeTextFile(python, PYTHON, { mode: 0o755 });
  await Deno.writeTextFile(`${python}.mode`, mode);
  await Deno.writeTextFile(`${python}.calls`, "");
  const saved = ["RQ_PYTHON", "RQ1_PYTHON"].map((name) =>
    [name, Deno.env.get(name)] as const
  );
  for (const [name] of saved) Deno.env.delete(name);
  const packages: string[] = [];
  return {
    cache,
    packages,
    ensure: (install = true, folder = cache) =>
      ensurePythons({
        cache: folder,
        python,
        install,
        installPackages: (names) => {
          packages.push(...names);
          return Promise.resolve("there is no apt-get");
        },
      }),
    calls: () => Deno.readTextFileSync(`${python}.calls`),
    async [Symbol.asyncDispose]() {
      for (const [name, value] of saved) {
        if (value !== undefined) Deno.env.set(name, value);
      }
      await Deno.remove(cache, { recursive: true });
    },
  };
}

Deno.test("a machine without RQ gets one of its own, and only once", async () => {
  await using at = await machine("good");
  const first = await at.ensure();
  assertEquals(first["RQ_PYTHON"], `${at.cache}/rq-3.0.0/bin/python`);
  assert(first["RQ1_PYTHON"], "no RQ 1");
  const calls = at.calls();
  assertMatch(calls, /^-m venv --clear .*\/rq-3\.0\.0$/m);
  assertEquals(await at.ensure(), first);
  assertEquals(at.calls(), calls);
});

Deno.test("a Python without ensurepip installs RQ with the pip outside", async () => {
  await using at = await machine("no-ensurepip");
  const { RQ_PYTHON } = await at.ensure();
  assertEquals(RQ_PYTHON, `${at.cache}/rq-3.0.0/bin/python`);
  assertMatch(at.calls(), /^-m pip install --target .* rq==3\.0\.0$/m);
});

Deno.test("a network that refuses costs the tests across languages, nothing else", async () => {
  await using at = await machine("no-network");
  const { RQ_PYTHON } = await at.ensure();
  assertEquals(RQ_PYTHON, undefined);
});

Deno.test("a cache that cannot be written costs the tests across languages, nothing else", async () => {
  await using at = await machine("good");
  const { RQ_PYTHON } = await at.ensure(true, "/proc/rq-cache");
  assertEquals(RQ_PYTHON, undefined);
});

Deno.test("an environment that was left half made is made anew", async () => {
  await using at = await machine("good");
  await Deno.mkdir(`${at.cache}/rq-3.0.0/bin`, { recursive: true });
  await Deno.writeTextFile(
    `${at.cache}/rq-3.0.0/bin/python`,
    "#!/bin/sh\nexit 1\n",
    { mode: 0o755 },
  );
  const { RQ_PYTHON } = await at.ensure();
  assertEquals(RQ_PYTHON, `${at.cache}/rq-3.0.0/bin/python`);
  assertMatch(at.calls(), /-m venv/);
});

Deno.test("nothing is installed where it is not wanted, nor in place of what is named", async () => {
  await using at = await machine("good");
  assertEquals((await at.ensure(false))["RQ_PYTHON"], undefined);
  Deno.env.set("RQ_PYTHON", "/mine");
  try {
    assertEquals((await at.ensure())["RQ_PYTHON"], undefined);
    assertEquals(/rq-3\.0\.0/.test(at.calls()), false);
  } finally {
    Deno.env.delete("RQ_PYTHON");
  }
});

Deno.test.each<[boolean, string[]]>([
  [true, []],
  [true, ["--long", "--filter", "queue"]],
  [true, ["tests"]],
  [true, ["./tests/"]],
  [true, ["tests/interop"]],
  [true, ["tests/base", "tests/interop/poison_test.ts"]],
  [false, ["tests/base"]],
  [false, ["--filter", "tests", "tests/e2e/jobs_test.ts"]],
  [false, ["tests/inter"]],
])("needsPython() is %s for %j", (needs, args) => {
  assertEquals(needsPython(args), needs);
});

Deno.test("--long is for the tests, not for Deno", () => {
  const args = testArgs([], ["--long", "tests/base"]);
  assertEquals(args.includes("--long"), false);
  assertEquals(testEnv("redis://h", ["--long"])["RQ_TEST_LONG"], "1");
  assertEquals(testEnv("redis://h", [])["RQ_TEST_LONG"], undefined);
});
