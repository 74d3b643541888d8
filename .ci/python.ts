/**
 * Python's RQ for the tests across languages, installed first where there is none.
 * A machine that lets us have none skips these tests and says why.
 *
 * @module
 */

import { installWithApt, lastLine } from "./apt.ts";
import { capture, type Captured, say } from "./deno.ts";

/** A version of RQ that jobs are exchanged with. */
interface Version {
  /** The environment variable that names a Python which has it. */
  readonly variable: string;
  readonly rq: string;
  /** What `pip` installs. */
  readonly requirements: readonly string[];
  /** A Python of the system that may have its major version. */
  readonly system?: { readonly python: string; readonly package: string };
}

const VERSIONS: readonly Version[] = [
  { variable: "RQ_PYTHON", rq: "3.0.0", requirements: ["rq==3.0.0"] },
  {
    variable: "RQ1_PYTHON",
    rq: "1.13.0",
    // As in Debian: RQ 1.13 is older than the clients that it would be given.
    requirements: ["rq==1.13.0", "redis==4.3.4"],
    system: { python: "/usr/bin/python3", package: "python3-rq" },
  },
];

/** How {@linkcode ensurePythons} looks and installs. */
export interface EnsurePythonsOptions {
  /** Whether what is not there is installed. @default true */
  readonly install?: boolean;
  /** The folder of what was installed. @default `deno-rq-ci` in the user's cache */
  readonly cache?: string;
  /** The Python that virtual environments are made with. @default "python3" */
  readonly python?: string;
  /** Installs packages of the system. @default installWithApt */
  readonly installPackages?: typeof installWithApt;
}

/**
 * The environment variables that name Pythons with RQ, for the tests. Those that are
 * set already stay as they are. What cannot be installed is said and left out.
 */
export async function ensurePythons(
  options: EnsurePythonsOptions = {},
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  // One after the other: apt-get is not to be run twice at once.
  for (const version of VERSIONS) {
    if (Deno.env.get(version.variable)) continue;
    const python = await find(version, options);
    if (python !== undefined) env[version.variable] = python;
  }
  return env;
}

async function find(
  version: Version,
  options: EnsurePythonsOptions,
): Promise<string | undefined> {
  const { install = true, cache = defaultCache() } = options;
  const { rq, system } = version;
  const home = `${cache}/rq-${rq}`;
  const own = `${home}/bin/python`;
  if (await rqVersion(own) === rq) return own;
  if (system && await hasMajor(system.python, rq)) return system.python;
  if (!install) return undefined;
  const reason = await underLock(`${home}.lock`, async () => {
    // Another task may have installed it while this one waited.
    if (await rqVersion(own) === rq) return undefined;
    return await makeEnvironment(home, version, options);
  }).catch((error: Error) => error.message); // such as a cache that is read-only
  if (reason === undefined) return own;
  if (system) {
    await (options.installPackages ?? installWithApt)([system.package]);
    if (await hasMajor(system.python, rq)) return system.python;
  }
  say(`Cannot install RQ ${rq}, its tests are skipped: ${reason}`);
  return undefined;
}

/** Makes a virtual environment with RQ; gives the reason if it cannot. */
async function makeEnvironment(
  home: string,
  { rq, requirements }: Version,
  options: EnsurePythonsOptions,
): Promise<string | undefined> {
  say(`Installing RQ ${rq} for Python`);
  const made = await makeVenv(home, options);
  if ("reason" in made) return made.reason;
  const [command, ...args] = made.install;
  const flags = ["--quiet", "--disable-pip-version-check"];
  // A network that refuses is told from a slow one before it gets boring.
  const patience = ["--timeout", "20", "--retries", "2"];
  const all = [...args, ...flags, ...patience, ...requirements];
  return reasonOf(await tryRun(command, all));
}

/** A program with its first arguments. */
type Command = readonly [program: string, ...args: string[]];

/** Makes a virtual environment, and tells how to install into it. */
async function makeVenv(
  home: string,
  options: EnsurePythonsOptions,
): Promise<{ install: Command } | { reason: string }> {
  const { python = "python3", installPackages = installWithApt } = options;
  const own = `${home}/bin/python`;
  const create = async (...flags: string[]) =>
    reasonOf(await tryRun(python, ["-m", "venv", "--clear", ...flags, home]));
  const install: Command = [own, "-m", "pip", "install"];
  // It knows its own path: it cannot be made elsewhere and moved.
  const reason = await create();
  if (reason === undefined) return { install };
  // Debian's Python has no ensurepip without python3-venv; the pip outside will do.
  if (await create("--without-pip") === undefined && await hasPip(python)) {
    const target = await tryRun(own, ["-c", PRINT_LIBRARY]);
    const into = ["--target", target.stdout.trim()];
    return { install: [python, "-m", "pip", "install", ...into] };
  }
  const refused = await installPackages(["python3-venv"]);
  if (refused !== undefined) return { reason: `${reason}; ${refused}` };
  const again = await create();
  return again === undefined ? { install } : { reason: again };
}

const PRINT_LIBRARY = "import sysconfig; print(sysconfig.get_path('purelib'))";

async function hasPip(python: string): Promise<boolean> {
  return (await tryRun(python, ["-m", "pip", "--version"])).success;
}

/** Runs a program that may not be there. */
async function tryRun(
  command: string,
  args: readonly string[],
): Promise<Captured> {
  try {
    return await capture(command, args);
  } catch (error) {
    const { NotFound, PermissionDenied } = Deno.errors;
    const isMissing = error instanceof NotFound ||
      error instanceof PermissionDenied;
    if (!isMissing) throw error;
    const stderr = `${command} is not installed`;
    return { success: false, stdout: "", stderr };
  }
}

function reasonOf({ success, stdout, stderr }: Captured): string | undefined {
  return success ? undefined : lastLine(stderr) || lastLine(stdout);
}

async function hasMajor(python: string, version: string): Promise<boolean> {
  const found = await rqVersion(python);
  return found?.split(".")[0] === version.split(".")[0];
}

async function rqVersion(python: string): Promise<string | undefined> {
  const args = ["-c", "import rq; print(rq.VERSION)"];
  const { success, stdout } = await tryRun(python, args);
  return success ? stdout.trim() : undefined;
}

/** Does something while no other process does it. */
async function underLock<T>(path: string, body: () => Promise<T>): Promise<T> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  // The system frees it, however this process ends.
  using file = await Deno.open(path, { create: true, write: true });
  await file.lock(true);
  return await body();
}

/** What is installed outlives the checkout, which must stay as it is. */
function defaultCache(): string {
  const home = Deno.env.get("HOME");
  const caches = Deno.env.get("XDG_CACHE_HOME") ||
    (home ? `${home}/.cache` : Deno.makeTempDirSync());
  return `${caches}/deno-rq-ci`;
}
