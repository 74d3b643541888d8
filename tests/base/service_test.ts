import { assert, assertEquals } from "@std/assert";
import { Service } from "../../lib/base/service.ts";
import { FakeClock, turn } from "../support/fake_clock.ts";

const INTERVAL = 1_000;
/** Longer than any pause, whatever its jitter. */
const PAUSE = INTERVAL * 1.1;

/** Counts its passes; `pass` says what each of them does. */
class Counting extends Service {
  passes = 0;
  inside = 0;
  most = 0;
  readonly fake = new FakeClock();
  readonly errors: unknown[] = [];
  readonly #pass: (n: number) => Promise<void> | void;

  constructor(pass: (n: number) => Promise<void> | void = () => {}) {
    super({
      name: "counting",
      interval: INTERVAL,
      onError: (error) => this.errors.push(error),
    });
    this.#pass = pass;
  }

  protected override get clock(): FakeClock {
    return this.fake;
  }

  override async runOnce(): Promise<void> {
    this.most = Math.max(this.most, ++this.inside);
    try {
      await this.#pass(++this.passes);
    } finally {
      this.inside--;
    }
  }
}

Deno.test("a service does nothing before it is started", async () => {
  await using service = new Counting();
  await service.fake.advance(10 * PAUSE);
  assertEquals([service.passes, service.fake.pending], [0, 0]);
  assertEquals(service.name, "counting");
});

Deno.test("a service goes on from pass to pass, one at a time", async () => {
  await using service = new Counting(() => Promise.resolve());
  service.start();
  service.start();
  await service.fake.advance(10 * PAUSE);
  assert(service.passes >= 10, `${service.passes} passes`);
  assertEquals(service.most, 1);
});

Deno.test.each<[string, (n: number) => Promise<void> | void]>([
  ["throws", () => {
    throw new Error("no");
  }],
  ["rejects", () => Promise.reject(new Error("no"))],
  ["throws what is no error", () => {
    throw "no";
  }],
])("a pass that %s is told of and does not end the loop", async (_n, pass) => {
  await using service = new Counting(pass);
  service.start();
  await service.fake.advance(5 * PAUSE);
  assert(service.passes >= 5, `${service.passes} passes`);
  assertEquals(service.errors.length, service.passes);
  assertEquals(String(service.errors[0]).replace("Error: ", ""), "no");
});

Deno.test("stop() waits for the pass that goes on, and no other begins", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using service = new Counting(() => promise);
  service.start();
  await service.fake.advance(PAUSE);
  assertEquals(service.inside, 1);
  let stopped = false;
  const stopping = service.stop().then(() => stopped = true);
  await service.fake.advance(10 * PAUSE);
  assertEquals([stopped, service.passes], [false, 1]);
  resolve();
  await stopping;
  await service.fake.advance(10 * PAUSE);
  assertEquals([service.inside, service.passes], [0, 1]);
});

Deno.test("stop() ends a pause, however much of it is left, and leaves no timer", async () => {
  const service = new Counting();
  service.start();
  await turn();
  assertEquals(service.fake.pending, 1);
  await service.stop(); // no time passes
  assertEquals([service.passes, service.fake.pending], [0, 0]);
});

Deno.test("stop() before start(), twice, and at the same time does no harm", async () => {
  const service = new Counting();
  await service.stop();
  service.start();
  await service.fake.advance(PAUSE);
  assertEquals(service.passes, 1);
  await Promise.all([service.stop(), service.stop(), service.stop()]);
  await service.stop();
  assertEquals(service.fake.pending, 0);
});

Deno.test("a stopped service can be started again", async () => {
  await using service = new Counting();
  for (let i = 0; i < 5; i++) {
    const before = service.passes;
    service.start();
    await service.fake.advance(PAUSE);
    assertEquals(service.passes, before + 1);
    await service.stop();
  }
});

Deno.test("a service that is started and stopped at random ends stopped, with never two passes at once", async () => {
  const service = new Counting(turn);
  const stops: Promise<void>[] = [];
  for (let i = 0; i < 500; i++) {
    if (Math.random() < 0.5) service.start();
    else stops.push(service.stop());
    const lot = Math.random();
    if (lot < 0.2) await service.fake.advance(lot * 10 * PAUSE);
    else if (lot < 0.5) await turn();
  }
  await Promise.all(stops);
  await service.stop();
  const { passes } = service;
  await service.fake.advance(10 * PAUSE);
  assertEquals([service.most, service.passes], [1, passes]);
  service.start();
  await service.fake.advance(PAUSE);
  assertEquals(service.passes, passes + 1);
  await service.stop();
});

Deno.test("a service that is started while an earlier stop() is settling can still be stopped", async () => {
  const service = new Counting();
  service.start();
  await service.fake.advance(PAUSE);
  const first = service.stop();
  const second = service.stop();
  await first;
  service.start();
  await second;
  await service.stop();
  const { passes } = service;
  await service.fake.advance(10 * PAUSE);
  assertEquals([service.passes, service.fake.pending], [passes, 0]);
});

Deno.test("a service that is started right after an unawaited stop() runs", async () => {
  await using service = new Counting();
  const stopping = service.stop(); // it does not run yet
  service.start();
  await stopping;
  await service.fake.advance(PAUSE);
  assertEquals(service.passes, 1);
});

Deno.test("each pause is the interval, a tenth more or less, and not twice the same", async () => {
  const times: number[] = [];
  await using service = new Counting(() => {
    times.push(service.fake.now());
  });
  service.start();
  await service.fake.advance(50 * PAUSE);
  const pauses = times.slice(1).map((time, i) => time - times[i]!);
  assert(pauses.length >= 49, `${pauses.length} pauses`);
  assert(Math.min(...pauses) >= 0.899 * INTERVAL, `${pauses}`);
  assert(Math.max(...pauses) <= 1.101 * INTERVAL, `${pauses}`);
  assert(new Set(pauses).size > 40, `${pauses}`);
});

Deno.test("a service keeps the system's time by itself", async () => {
  const passed = Promise.withResolvers<void>();
  await using service = new class extends Service {
    override runOnce(): Promise<void> {
      return Promise.resolve(passed.resolve());
    }
  }({ name: "real", interval: 1, onError: passed.reject });
  service.start();
  await passed.promise;
});
