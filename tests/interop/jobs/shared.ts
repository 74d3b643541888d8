/** Jobs that exist in both languages under the same dotted names. */

export function add(
  a: number,
  b: number,
  { scale = 1 }: { scale?: number } = {},
): number {
  return (a + b) * scale;
}

export function echo(...args: unknown[]): unknown[] {
  return args;
}

export function nothing(): void {}

export function fail(message: string): never {
  throw new RangeError(message);
}

export function mark(path: string, line: string): void {
  Deno.writeTextFileSync(path, `${line}\n`, { append: true });
}

/** Creates `mark`, then runs until `path` exists. */
export async function hold(path: string, mark: string): Promise<string> {
  await Deno.writeTextFile(mark, "");
  while (!await exists(path)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return "released";
}

/** Fails in its first calls, up to a given number. */
export function failUntil(path: string, times: number): string {
  mark(path, "attempt");
  const attempts = Deno.readTextFileSync(path).trimEnd().split("\n").length;
  if (attempts < times) throw new Error(`Attempt ${attempts} of ${times}`);
  return `attempt ${attempts}`;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Writes `begin`, waits until `go` exists, writes `end`. */
export async function slow(ledger: string, go: string): Promise<string> {
  mark(ledger, "begin");
  while (!await exists(go)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  mark(ledger, "end");
  return "done";
}

export class Mailer {
  static greeting = "hello";

  static send(to: string): string {
    return `${this.greeting}, ${to}`;
  }
}
