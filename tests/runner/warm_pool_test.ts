import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { Launch } from "../../lib/runner/launch.ts";
import { type Waiter, WarmPool } from "../../lib/runner/warm_pool.ts";

/** A fake subprocess. */
class Child implements Waiter {
  readonly jobs = 0;
  readonly key: string;
  readonly #ready = Promise.withResolvers<boolean>();
  readonly ready = this.#ready.promise;
  status: Deno.CommandStatus | undefined;
  closed = 0;

  constructor(key: string) {
    this.key = key;
  }

  boot(): void {
    this.#ready.resolve(true);
  }

  end(code = 1): void {
    this.status = { success: code === 0, code, signal: null };
    this.#ready.resolve(false);
  }

  close(): Promise<void> {
    this.closed++;
    this.end();
    return Promise.resolve();
  }
}

/** A pool with a fake clock, and everything that it has started. */
class Pool {
  readonly started: Child[] = [];
  now = 0;
  next: Launch | undefined = launch("a");
  spawnError: Error | undefined;
  readonly pool: WarmPool<Child>;

  constructor(size = 2, keep = 2) {
    this.pool = new WarmPool<Child>({
      size,
      keep,
      spawn: ({ key }) => {
        if (this.spawnError) throw this.spawnError;
        const child = new Child(key);
        this.started.push(child);
        return child;
      },
      plan: () => this.next,
      now: () => this.now,
    });
  }

  /** How many start now if there is no limit. */
  filled(): number {
    const before = this.started.length;
    this.pool.fill();
    return this.started.length - before;
  }
}

function launch(key: string, generic = true): Launch {
  return {
    key,
    command: "deno",
    args: [],
    generic,
    ofProject: false,
    controlApart: false,
  };
}

/** Lets the reactions of all settled promises run. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("WarmPool.fill() starts what is missing, and no more than it is asked for", () => {
  const t = new Pool(3);
  t.pool.fill(1);
  assertEquals(t.started.length, 1);
  assertEquals(t.filled(), 2);
  assertEquals(t.filled(), 0);
  t.pool.fill(10);
  assertEquals(t.started.length, 3);
  t.started[1]!.end();
  assertEquals(t.filled(), 1);
});

Deno.test("WarmPool.fill() starts nothing where the next one is not known, or none is to wait", () => {
  const t = new Pool();
  t.next = undefined;
  assertEquals(t.filled(), 0);
  assertEquals(new Pool(0).filled(), 0);
});

Deno.test("WarmPool.take() hands over the one that has waited longest, each once", () => {
  const t = new Pool();
  t.pool.fill();
  assertStrictEquals(t.pool.take(launch("a")), t.started[0]);
  assertStrictEquals(t.pool.take(launch("a")), t.started[1]);
  assertEquals(t.pool.take(launch("a")), undefined);
  assertEquals(t.started.map(({ closed }) => closed), [0, 0]);
});

Deno.test("WarmPool.take() hands over none that has ended, and ends those that were started in another way", () => {
  const t = new Pool(3);
  t.pool.fill();
  t.started[0]!.end();
  assertStrictEquals(t.pool.take(launch("a")), t.started[1]);
  assertEquals(t.pool.take(launch("b")), undefined);
  assertEquals(t.started.map(({ closed }) => closed), [1, 0, 1]);
});

Deno.test("a launch that fits one job only takes none, and ends none", () => {
  const t = new Pool();
  t.pool.fill();
  assertEquals(t.pool.take(launch("a only", false)), undefined);
  assertStrictEquals(t.pool.take(launch("a")), t.started[0]);
});

Deno.test("WarmPool.giveBack() keeps so many, and hands them over first", () => {
  const t = new Pool(1, 2);
  t.pool.fill();
  const used = new Child("a");
  assert(t.pool.giveBack(launch("a"), used));
  assert(!t.pool.giveBack(launch("a"), new Child("a")));
  assertStrictEquals(t.pool.take(launch("a")), used);
  assertStrictEquals(t.pool.take(launch("a")), t.started[0]);
});

Deno.test("each failure doubles the pause before the next start ahead of time, up to half a minute", () => {
  const t = new Pool(1);
  for (
    const pause of [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]
  ) {
    t.pool.failed();
    t.now += pause - 1;
    assertEquals(t.filled(), 0, `${pause}`);
    t.now += 1;
    assertEquals(t.filled(), 1, `${pause}`);
    t.started.at(-1)!.end();
  }
});

Deno.test("one that becomes ready ends the pause, and the next one is short again", () => {
  const t = new Pool(1);
  t.pool.failed();
  t.pool.failed();
  assertEquals(t.filled(), 0);
  t.pool.succeeded();
  assertEquals(t.filled(), 1);
  t.started[0]!.end();
  t.pool.failed();
  t.now += 200;
  assertEquals(t.filled(), 1);
});

Deno.test("one that ends while it waits for its boot is a failure, one that has been taken is not", async () => {
  const t = new Pool(1);
  t.pool.fill();
  t.started[0]!.end();
  await settled();
  assertEquals(t.filled(), 0);
  t.now += 200;
  assertEquals(t.filled(), 1);
  t.pool.take(launch("a"))!.end();
  await settled();
  assertEquals(t.filled(), 1);
});

Deno.test("WarmPool.fill() never throws: what cannot be started is tried again after a pause", () => {
  const t = new Pool();
  t.spawnError = new Deno.errors.NotFound("no deno");
  assertEquals(t.filled(), 0);
  t.spawnError = undefined;
  assertEquals(t.filled(), 0);
  t.now += 200;
  assertEquals(t.filled(), 2);
});

Deno.test("WarmPool.close() ends all that wait, and takes and starts no more", async () => {
  const t = new Pool();
  t.pool.fill();
  await t.pool.close();
  assertEquals(t.started.map(({ closed }) => closed), [1, 1]);
  assertEquals(t.filled(), 0);
  assert(!t.pool.giveBack(launch("a"), new Child("a")));
  assertEquals(t.pool.take(launch("a")), undefined);
});
