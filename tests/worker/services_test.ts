/** A worker's services, started and stopped at any moment, over a real Redis. */

import { assert, assertEquals } from "@std/assert";
import { type Clock, SYSTEM_CLOCK } from "../../lib/base/clock.ts";
import type { Service } from "../../lib/base/service.ts";
import { connect } from "../../lib/redis/connect.ts";
import type { RedisClient } from "../../lib/redis/redis_client.ts";
import { Keys } from "../../lib/store/keys.ts";
import { ScheduleStore } from "../../lib/store/schedule_store.ts";
import { SweepStore } from "../../lib/store/sweep_store.ts";
import { WorkerStore } from "../../lib/store/worker_store.ts";
import { Commands } from "../../lib/worker/commands.ts";
import { CronScheduler } from "../../lib/worker/cron_scheduler.ts";
import { Heartbeat } from "../../lib/worker/heartbeat.ts";
import { InHand } from "../../lib/worker/in_hand.ts";
import { SILENT } from "../../lib/worker/log.ts";
import { Scheduler } from "../../lib/worker/scheduler.ts";
import { Sweeper } from "../../lib/worker/sweeper.ts";
import { turn } from "../support/fake_clock.ts";
import { RedisServer } from "../support/redis_server.ts";
import { waitFor, waitForEqual } from "../support/wait_for.ts";

/** A clock on which every pause is over in a moment. */
const HASTY: Clock = {
  ...SYSTEM_CLOCK,
  setTimeout: (ring) => SYSTEM_CLOCK.setTimeout(ring, Math.random() * 4),
};

class HastyCommands extends Commands {
  protected override get clock(): Clock {
    return HASTY;
  }
}

class HastyHeartbeat extends Heartbeat {
  protected override get clock(): Clock {
    return HASTY;
  }
}

class HastyScheduler extends Scheduler {
  protected override get clock(): Clock {
    return HASTY;
  }
}

class HastyCronScheduler extends CronScheduler {
  protected override get clock(): Clock {
    return HASTY;
  }
}

class HastySweeper extends Sweeper {
  protected override get clock(): Clock {
    return HASTY;
  }
}

/** A service, with what it does. */
class Subject {
  readonly service: Service;
  readonly #start: () => Promise<void>;
  passes = 0;
  inside = 0;
  most = 0;
  /** What each pass waits for before it does anything. */
  gate: Promise<void> = Promise.resolve();

  constructor(service: Service, start?: () => Promise<void>) {
    this.service = service;
    this.#start = start ?? (() => Promise.resolve(service.start()));
    const runOnce = service.runOnce.bind(service);
    service.runOnce = async () => {
      this.passes++;
      this.most = Math.max(this.most, ++this.inside);
      try {
        await this.gate;
        return await runOnce();
      } finally {
        this.inside--;
      }
    };
  }

  start(): Promise<void> {
    return this.#start();
  }

  stop(): Promise<void> {
    return this.service.stop();
  }
}

/** The five services of a worker on a client of their own. */
class Stage implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly client: RedisClient;
  readonly subjects: readonly Subject[];
  readonly errors: unknown[] = [];
  readonly channel = "rq:pubsub:w1";

  private constructor(redis: RedisServer) {
    this.redis = redis;
    this.client = connect(redis.url);
    const keys = new Keys("rq:");
    const store = new WorkerStore(this.client, keys);
    const identity = { name: "w1", instance: "i1", queues: ["low", "high"] };
    const quiet = () => {};
    const common = {
      client: this.client,
      channel: this.channel,
      store,
      sweeps: new SweepStore(this.client, keys),
      schedules: new ScheduleStore(this.client, keys),
      identity,
      queues: identity.queues,
      inHand: new InHand(),
      interval: 1_000,
      workerTtl: 60,
      log: SILENT,
      register: async () => void await store.register(identity, 60, {}),
      onReplaced: quiet,
      onError: (error: unknown) => void this.errors.push(error),
      target: {
        shutdown: quiet,
        killHorse: quiet,
        stopJob: quiet,
        scheduled: quiet,
        slotExpected: quiet,
      },
      name: identity.name,
    };
    const commands = new HastyCommands(common);
    this.subjects = [
      new Subject(commands, () => commands.subscribe()),
      new Subject(new HastyHeartbeat(common)),
      new Subject(new HastySweeper(common)),
      new Subject(new HastyScheduler(common)),
      new Subject(new HastyCronScheduler(common)),
    ];
  }

  static async open(): Promise<Stage> {
    return new Stage(await RedisServer.start());
  }

  /** Does the same to all services at once. */
  each(act: (subject: Subject) => Promise<void>): Promise<void[]> {
    return Promise.all(this.subjects.map(act));
  }

  /** Starts and stops services at random, waiting for nothing but a moment now and then. */
  async hurry(steps: number): Promise<Promise<void>[]> {
    const pending: Promise<void>[] = [];
    for (let i = 0; i < steps; i++) {
      const lot = Math.floor(Math.random() * this.subjects.length);
      const subject = this.subjects[lot]!;
      pending.push(Math.random() < 0.5 ? subject.start() : subject.stop());
      const rest = Math.random();
      if (rest < 0.3) await turn();
      else if (rest < 0.4) await new Promise((go) => setTimeout(go, rest * 20));
    }
    return pending;
  }

  /** Every service makes passes, one at a time. */
  async allWork(): Promise<void> {
    await this.each(async (subject) => {
      const { passes } = subject;
      await subject.start();
      await waitFor(() => subject.passes >= passes + 3);
      assertEquals(subject.most, 1);
    });
  }

  /** No service makes a pass, and none holds a connection. */
  async allRest(): Promise<void> {
    const passes = this.subjects.map((subject) => subject.passes);
    assertEquals(this.subjects.map(({ inside }) => inside), [0, 0, 0, 0, 0]);
    await using other = connect(this.redis.url);
    await waitForEqual<unknown>(
      () => other.send("CLIENT", ["LIST", "TYPE", "pubsub"]),
      "",
    );
    for (let i = 0; i < 20; i++) await other.send("PING");
    assertEquals(this.subjects.map((subject) => subject.passes), passes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.redis[Symbol.asyncDispose]();
  }
}

Deno.test("services that are started and stopped in any order end stopped, leak nothing and work again", async () => {
  await using stage = await Stage.open();
  for (let round = 0; round < 5; round++) {
    const pending = await stage.hurry(200);
    await stage.each((subject) => subject.stop());
    await Promise.all(pending);
    await stage.each((subject) => subject.stop()); // a start may have come last
    await stage.allRest();
    await stage.allWork();
  }
  await stage.each((subject) => subject.stop());
  await stage.allRest();
  assertEquals(stage.errors, []);
});

Deno.test("stop() during a pass waits for its end, and no other begins", async () => {
  await using stage = await Stage.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const subject of stage.subjects) subject.gate = promise;
  await stage.each((subject) => subject.start());
  await waitFor(() => stage.subjects.every(({ inside }) => inside === 1));
  const passes = stage.subjects.map((subject) => subject.passes);
  let stopped = 0;
  const stopping = stage.each(async (subject) => {
    await Promise.all([subject.stop(), subject.stop()]);
    stopped++;
  });
  await turn();
  assertEquals(stopped, 0);
  resolve();
  await stopping;
  assertEquals(stage.subjects.map((subject) => subject.passes), passes);
  await stage.allRest();
  assertEquals(stage.errors, []);
});

Deno.test("services whose Redis is killed again and again meanwhile can all be stopped, and work again", async () => {
  await using stage = await Stage.open();
  for (let round = 0; round < 5; round++) {
    await stage.allWork();
    const hurrying = stage.hurry(100);
    await stage.redis.kill();
    const pending = await hurrying;
    await stage.redis.restart();
    await stage.each((subject) => subject.stop());
    await Promise.all(pending);
    await stage.each((subject) => subject.stop());
    await stage.allRest();
  }
});

Deno.test("services whose Redis is gone for good can all be stopped once their client is closed", async () => {
  await using stage = await Stage.open();
  await stage.allWork();
  await stage.redis.kill();
  await waitFor(() => stage.subjects.every(({ inside }) => inside === 1));
  const stopping = stage.each((subject) => subject.stop());
  await stage.client.close();
  await stopping;
  assertEquals(stage.subjects.map(({ inside }) => inside), [0, 0, 0, 0, 0]);
  assert(stage.errors.length > 0, "nobody was told");
});
