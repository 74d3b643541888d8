/** Python's RQ, for the tests that run jobs across languages. */

/** A Python that has RQ. */
export interface PythonRq {
  readonly python: string;
  /** The version of RQ, such as `2.6.0`. */
  readonly version: string;
}

/** Why there is no Python with RQ. */
export interface NoPythonRq {
  /** The reason, and what to do about it. */
  readonly reason: string;
}

/** Options of {@linkcode findPythonRq}. */
export interface FindPythonRqOptions {
  /** Environment variables that may name the Python. @default ["RQ_PYTHON", "RQ1_PYTHON"] */
  readonly variables?: readonly string[];
  /** Whether a version of RQ is acceptable. @default any */
  readonly accepts?: (version: string) => boolean;
}

/** Finds a Python with RQ: those named by `RQ_PYTHON` and `RQ1_PYTHON`, else the one on `PATH`. */
export async function findPythonRq(
  options: FindPythonRqOptions = {},
): Promise<PythonRq | NoPythonRq> {
  const { variables = ["RQ_PYTHON", "RQ1_PYTHON"], accepts = () => true } =
    options;
  const named = variables.map((name) => Deno.env.get(name));
  for (const python of [...named, "python3"]) {
    const version = python ? await rqVersion(python) : undefined;
    if (python && version && accepts(version)) return { python, version };
  }
  return {
    reason: `no Python with a fitting RQ; set ${variables.join(" or ")}`,
  };
}

/** How {@linkcode runPython} runs. */
export interface RunPythonOptions {
  /** Environment variables to add. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of the code, in `sys.argv`. @default [] */
  readonly args?: readonly string[];
  /** The working directory. @default the current one */
  readonly cwd?: string;
}

/** Runs Python code, and returns what it prints. */
export async function runPython(
  python: string,
  code: string,
  options: RunPythonOptions = {},
): Promise<string> {
  const { env = {}, args = [], cwd } = options;
  const { success, stdout, stderr } = await new Deno.Command(python, {
    args: ["-c", code, ...args],
    env: { ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (!success) {
    throw new Error(`Cannot run Python code: ${text.decode(stderr)}`);
  }
  return text.decode(stdout);
}

async function rqVersion(python: string): Promise<string | undefined> {
  const code =
    "import importlib.util, sys\nif not importlib.util.find_spec('rq'): sys.exit()\nimport rq\nprint(rq.VERSION)";
  try {
    return (await runPython(python, code)).trim() || undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
