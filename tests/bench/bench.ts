/**
 * This project, RQ and BullMQ side by side in one run on one `redis-server`.
 *
 * ```sh
 * deno task bench --quick
 * ```
 *
 * @module
 */

import { RedisServer } from "../support/redis_server.ts";
import {
  type Context,
  type Measurement,
  scaleOf,
  Sizer,
  sleep,
} from "./context.ts";
import { loadAverage, readEnvironment } from "./environment.ts";
import { FEATURES, MEASUREMENTS } from "./measurements/all.ts";
import {
  type BenchOptions,
  parseOptions,
  USAGE,
  UsageError,
} from "./options.ts";
import { findBullmq, findRq } from "./peers.ts";
import { note, print } from "./print.ts";
import { Probe } from "./probe.ts";
import { toJson, toText } from "./report.ts";
import { Results } from "./results.ts";
import {
  bullmqSystem,
  NotApplicable,
  ourSystem,
  rqSystem,
  type System,
  type SystemName,
} from "./systems.ts";

/** With `--quick`, no round after the first is begun later than this. */
const QUICK_MS = 85_000;

/** A moment for the machine to calm down after a system's turn. */
const SETTLE_MS = 50;

/** Runs the benchmark; gives the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const names = [...MEASUREMENTS, ...FEATURES].map(({ name }) => name);
  try {
    const options = parseOptions(args, names);
    if (options === undefined) {
      print(`${USAGE}\nMeasurements: ${names.join(", ")}`);
      return 0;
    }
    await bench(options);
    return 0;
  } catch (error) {
    if (error instanceof Stopped) {
      note(error.message);
      return 1;
    }
    if (!(error instanceof UsageError)) throw error;
    note(error.message);
    return 2;
  }
}

async function bench(options: BenchOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const stopping = stopOnSignals(stack);
  const server = stack.use(
    await RedisServer.start({
      args: [
        ...["--slowlog-log-slower-than", "1000"],
        ...["--slowlog-max-len", "10000"],
      ],
    }),
  );
  const probe = stack.use(await Probe.open(server.port));
  const results = new Results();
  const systems = await makeSystems(server.port, options, results);
  for (const { driver } of systems) stack.use(driver);
  const scale = scaleOf(options);
  const context: Context = {
    probe,
    scale,
    sizer: new Sizer(scale.seconds),
    cores: navigator.hardwareConcurrency,
    verbose: options.verbose,
  };
  const environment = await readEnvironment(systems, probe, options.driver);
  const all = options.features ? FEATURES : MEASUREMENTS;
  const measurements = options.only.length === 0
    ? all
    : [...MEASUREMENTS, ...FEATURES].filter(({ name }) =>
      options.only.includes(name)
    );
  const turns = new Turns(context, systems, results, stopping);
  const rounds = await turns.all(measurements, options);
  const run = {
    environment: {
      ...environment,
      "load at end": loadAverage(),
      "long queue": `${scale.depth.toLocaleString("en")} jobs`,
    },
    ...{ rounds, measurements, results },
  };
  print(options.json ? toJson(run) : toText(run));
}

/** The benchmark was told to leave. */
class Stopped extends Error {
  override readonly name = "Stopped";
}

/** Takes turns: in each round, each measurement, one system after the other. */
class Turns {
  readonly #context: Context;
  readonly #systems: readonly System[];
  readonly #results: Results;
  readonly #stopping: AbortSignal;

  constructor(
    context: Context,
    systems: readonly System[],
    results: Results,
    stopping: AbortSignal,
  ) {
    this.#context = context;
    this.#systems = systems;
    this.#results = results;
    this.#stopping = stopping;
  }

  /** Gives the number of rounds that were made. */
  async all(
    measurements: readonly Measurement[],
    { rounds, quick }: BenchOptions,
  ): Promise<number> {
    const start = performance.now();
    for (let round = 1; round <= rounds; round++) {
      const seconds = Math.round((performance.now() - start) / 1_000);
      if (quick && seconds * 1_000 > QUICK_MS) return round - 1;
      note(`Round ${round} of ${rounds}, after ${seconds} s`);
      for (const measurement of measurements) {
        if (measurement.once && round > 1) continue;
        for (const system of this.#systems) {
          this.#stopping.throwIfAborted();
          await this.#take(measurement, system);
        }
      }
    }
    return rounds;
  }

  async #take(measurement: Measurement, system: System): Promise<void> {
    const { name, metrics } = measurement;
    await this.#context.probe.send("FLUSHALL");
    await sleep(SETTLE_MS);
    try {
      const readings = await measurement.run(system, this.#context);
      this.#results.add(system.name, readings);
    } catch (error) {
      const reason = (error as Error).message;
      this.#results.explain(system.name, metrics, reason);
      // What could not be measured is shown in its place; the rest goes on.
      if (!(error instanceof NotApplicable)) {
        note(`${name}, ${system.name}: ${reason}`);
      }
    }
  }
}

async function makeSystems(
  port: number,
  { driver }: BenchOptions,
  results: Results,
): Promise<System[]> {
  const systems: System[] = [ourSystem(port, driver)];
  const peers: readonly [SystemName, () => Promise<System>][] = [
    ["rq", async () => rqSystem(port, await findRq())],
    ["bullmq", async () => bullmqSystem(port, await findBullmq())],
  ];
  for (const [name, make] of peers) {
    try {
      systems.push(await make());
    } catch (error) {
      if (!(error instanceof NotApplicable)) throw error;
      note(`${name}: ${error.message}`);
      const metrics = [...MEASUREMENTS, ...FEATURES].flatMap(({ metrics }) =>
        metrics
      );
      results.explain(name, metrics, error.message);
    }
  }
  return systems;
}

/** Processes are ended in order also when the benchmark is told to stop. */
function stopOnSignals(stack: AsyncDisposableStack): AbortSignal {
  const controller = new AbortController();
  const stop = () =>
    controller.abort(new Stopped("Cannot go on: the benchmark was stopped"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, stop);
    stack.defer(() => Deno.removeSignalListener(signal, stop));
  }
  return controller.signal;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
