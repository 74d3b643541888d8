/** Jobs that go on where an earlier run has stopped. Each notes in a ledger what it does. */

import { currentJob } from "../../../lib/runner/current.ts";

function note(ledger: string, line: string): void {
  Deno.writeTextFileSync(ledger, `${line}\n`, { append: true });
}

/** Fails between two steps in its first attempt. */
export async function failsBetween(ledger: string): Promise<unknown> {
  note(ledger, `run ${currentJob.attempt}`);
  const first = await currentJob.step("fïrst step", () => {
    note(ledger, "first");
    return { at: new Date(0), none: undefined };
  });
  const nothing = await currentJob.step(
    "nothing",
    () => note(ledger, "nothing"),
  );
  if (currentJob.attempt === 1) throw new Error("between");
  const second = await currentJob.step("second", async () => {
    await Promise.resolve();
    note(ledger, "second");
    return 2;
  });
  return [first, nothing ?? "nothing", second];
}

/** Sleeps between two steps. */
export async function sleeps(ledger: string, seconds: number): Promise<number> {
  note(ledger, `run ${currentJob.attempt}`);
  try {
    await currentJob.step("before", () => note(ledger, "before"));
    await currentJob.sleep(seconds);
    await currentJob.sleep(0);
    await currentJob.step("after", () => note(ledger, "after"));
    return currentJob.attempt;
  } finally {
    note(ledger, "finally");
  }
}

/** Waits for a signal. */
export async function waits(
  ledger: string,
  timeout?: number,
): Promise<unknown> {
  note(ledger, "run");
  try {
    const options = timeout === undefined ? {} : { timeout };
    return await currentJob.waitFor("approval", options);
  } catch (error) {
    return `${error}`;
  }
}

/** Does several things at once, two of which wait. */
export async function atOnce(ledger: string): Promise<unknown> {
  note(ledger, "run");
  const work = async () => {
    for (const n of [1, 2, 3]) {
      await currentJob.step(`work ${n}`, async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        note(ledger, `work ${n}`);
      });
    }
    return "worked";
  };
  return await Promise.all([
    work(),
    currentJob.sleep(0.2, { name: "short" }).then(() => "slept"),
    currentJob.waitFor("go"),
  ]);
}

/** What is refused. */
export async function misuses(): Promise<string[]> {
  const texts: string[] = [];
  const attempt = async (call: () => Promise<unknown>) => {
    texts.push(await call().then(() => "done", (error) => `${error}`));
  };
  await attempt(() => currentJob.step("a", () => 1));
  await attempt(() => currentJob.step("a", () => 2));
  await attempt(() =>
    currentJob.step("b", () => Promise.reject(new Error("x")))
  );
  await attempt(() => currentJob.step("b", () => 3));
  await attempt(() => currentJob.step("c", () => currentJob.sleep(1)));
  await attempt(() => currentJob.step("d", () => new Map() as never));
  await attempt(() => currentJob.step("", () => 1));
  await attempt(() => currentJob.step("e", () => "x".repeat(5 * 1024 * 1024)));
  await attempt(() => currentJob.sleep("soon"));
  await attempt(() => currentJob.waitFor("go", { timeOut: 1 } as never));
  return texts;
}

/** Never ends in its second step, until it has been killed once. */
export async function hangsOnce(ledger: string): Promise<string> {
  await currentJob.step("done", () => note(ledger, "done"));
  return await currentJob.step("hangs", async () => {
    const lines = await Deno.readTextFile(ledger);
    note(ledger, "hangs");
    if (!lines.includes("hangs")) {
      await new Promise(() => setInterval(() => {}, 1_000));
    }
    return "ended";
  });
}
