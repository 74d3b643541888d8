import { assert, assertEquals } from "@std/assert";
import { Service } from "../../lib/base/service.ts";

/** Counts its passes; `pass` says what each of them does. */
class Counting extends Service {
  passes = 0;
  inside = 0;
  most = 0;
  readonly errors: unknown[];
  readonly #pass: (n: number) => Promise<void> | void;

  constructor(
    pass: (n: number) => Promise<void> | void = () => {},
    interval = 1,
    errors: unknown[] = [],
  ) {
    super({
      name: "counting",
      interval,
      onError: (error) => errors.push(error),
    });
    this.errors = errors;
    this.#pass = pass;
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

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("a service does nothing before it is started", async () => {
  await using service = new Counting();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(service.passes, 0);
  assertEquals(service.name, "counting");
});

Deno.test("a service goes on from pass to pass, one at a time", async () => {
  await using service = new Counting(async () => {
    await Promise.resolve();
  });
  service.start();
  service.start();
  await until(() => service.passes >= 10);
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
  await until(() => service.passes >= 5);
  assert(service.errors.length >= 4, `${service.errors.length}`);
  assertEquals(String(service.errors[0]).replace("Error: ", ""), "no");
});

Deno.test("stop() waits for the pass that goes on, and no other begins", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using service = new Counting(() => promise);
  service.start();
  await until(() => service.inside === 1);
  let stopped = false;
  const stopping = service.stop().then(() => stopped = true);
  await new Promise((r) => setTimeout(r, 10));
  assertEquals([stopped, service.passes], [false, 1]);
  resolve();
  await stopping;
  assertEquals([service.inside, service.passes], [0, 1]);
});

Deno.test("stop() ends a long pause at once and leaves no timer", async () => {
  const service = new Counting(() => {}, 3_600_000);
  service.start();
  const begin = performance.now();
  await service.stop();
  assert(performance.now() - begin < 1_000);
  assertEquals(service.passes, 0);
});

Deno.test("stop() before start(), twice, and at the same time does no harm", async () => {
  const service = new Counting();
  await service.stop();
  service.start();
  await until(() => service.passes >= 1);
  await Promise.all([service.stop(), service.stop(), service.stop()]);
  await service.stop();
});

Deno.test("a stopped service can be started again", async () => {
  await using service = new Counting();
  for (let i = 0; i < 5; i++) {
    const before = service.passes;
    service.start();
    await until(() => service.passes >= before + 2);
    await service.stop();
  }
});

Deno.test("a service that is started and stopped at random ends stopped, with never two passes at once", async () => {
  const service = new Counting(
    () => new Promise((resolve) => setTimeout(resolve, 1)),
  );
  const stops: Promise<void>[] = [];
  for (let i = 0; i < 500; i++) {
    if (Math.random() < 0.5) service.start();
    else stops.push(service.stop());
    if (Math.random() < 0.2) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
    }
  }
  await Promise.all(stops);
  await service.stop();
  const { passes } = service;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals([service.most <= 1, service.passes], [true, passes]);
  service.start();
  await until(() => service.passes > passes);
  await service.stop();
});

Deno.test("a service that is started while an earlier stop() is settling can still be stopped", async () => {
  const service = new Counting();
  service.start();
  await until(() => service.passes >= 1);
  const first = service.stop();
  const second = service.stop();
  await first;
  service.start();
  await second;
  await service.stop();
  const { passes } = service;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(service.passes, passes);
});

Deno.test("a service that is started right after an unawaited stop() runs", async () => {
  await using service = new Counting();
  const stopping = service.stop(); // it does not run yet
  service.start();
  await stopping;
  await until(() => service.passes >= 1);
});

Deno.test("each pause is the interval, a tenth more or less", async () => {
  const times: number[] = [];
  await using service = new Counting(() => {
    times.push(performance.now());
  }, 40);
  service.start();
  await until(() => times.length >= 4);
  for (let i = 1; i < times.length; i++) {
    assert(times[i]! - times[i - 1]! >= 34, `${times}`);
  }
});
