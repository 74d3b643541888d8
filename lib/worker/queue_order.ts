/**
 * The order in which a worker tries its queues.
 *
 * @module
 */

import { shuffle } from "@std/random/shuffle";
import { checkChoice } from "../base/options.ts";

/**
 * The order in which a worker tries its queues: as given (`default`), rotated past the one just served (`round_robin`),
 * shuffled (`random`), or in proportion, as in `weighted:high=5,low=1`.
 */
export type DequeueStrategy =
  | "default"
  | "round_robin"
  | "random"
  | `weighted:${string}`;

const WORDS: readonly DequeueStrategy[] = ["default", "round_robin", "random"];
const WEIGHTED = "weighted:QUEUE=N,…";

/** All of {@linkcode DequeueStrategy}, for `--help`. */
export const STRATEGIES: string = [...WORDS, WEIGHTED].join(", ");

/** The largest weight. More than that would starve the others of the worker, which the order as given does as well. */
const MAX_WEIGHT = 1_000;

/** Which queue comes first. */
export interface QueueOrder {
  /** All queues, the one that is tried first at first. */
  readonly queues: readonly string[];
  /** Call it after each claim, with the queues of the jobs that were taken. */
  served(taken: readonly string[]): void;
}

/** The order of a strategy that {@linkcode checkStrategy} has checked. */
export function queueOrder(
  strategy: DequeueStrategy,
  queues: readonly string[],
): QueueOrder {
  switch (strategy) {
    case "default":
      return { queues, served() {} };
    case "round_robin":
      return new RotatedOrder(queues);
    case "random":
      return new ShuffledOrder(queues);
    default:
      return new WeightedOrder(queues, readWeights(strategy, "strategy"));
  }
}

/**
 * Checks a strategy as far as the queues need not be known.
 *
 * @param label What it is called in errors.
 * @throws {RangeError} It says what is expected.
 */
export function checkStrategy(label: string, value: unknown): DequeueStrategy {
  if (typeof value === "string" && value.startsWith("weighted:")) {
    readWeights(value, label);
    return value as DequeueStrategy;
  }
  const chosen = checkChoice<string>(label, value, [...WORDS, WEIGHTED]);
  return chosen as DequeueStrategy;
}

/** @throws {RangeError} If a strategy has a weight for a queue that the worker does not have. */
export function checkWeighted(
  strategy: DequeueStrategy,
  queues: readonly string[],
): void {
  if (!strategy.startsWith("weighted:")) return;
  for (const queue of readWeights(strategy, "dequeueStrategy").keys()) {
    if (queues.includes(queue)) continue;
    throw new RangeError(
      `Cannot use dequeueStrategy ${
        JSON.stringify(strategy)
      }: the worker has no queue "${queue}"`,
    );
  }
}

/** The weights by queue. A queue's name may contain `=`, not a comma. */
function readWeights(text: string, label: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const entry of text.slice("weighted:".length).split(",")) {
    const [, queue, weight] = /^(.+)=(\d+)$/s.exec(entry.trim()) ?? [];
    const isWeight = Number(weight) >= 1 && Number(weight) <= MAX_WEIGHT;
    if (queue === undefined || !isWeight || weights.has(queue)) {
      throw new RangeError(
        `Cannot use ${label} ${
          JSON.stringify(text)
        }: expected ${WEIGHTED}, each queue once, with a whole number from 1 to ${MAX_WEIGHT}`,
      );
    }
    weights.set(queue, Number(weight));
  }
  return weights;
}

class RotatedOrder implements QueueOrder {
  readonly #given: readonly string[];
  queues: readonly string[];

  constructor(queues: readonly string[]) {
    this.#given = queues;
    this.queues = queues;
  }

  served(taken: readonly string[]): void {
    const next = this.#given.indexOf(taken.at(-1)!) + 1;
    this.queues = [...this.#given.slice(next), ...this.#given.slice(0, next)];
  }
}

class ShuffledOrder implements QueueOrder {
  queues: readonly string[];

  constructor(queues: readonly string[]) {
    this.queues = queues;
  }

  served(): void {
    this.queues = shuffle(this.queues);
  }
}

/**
 * Smooth weighted round robin: a queue gains its weight with each job, and the one that is served pays for all. So of
 * six jobs with the weights 5 and 1 one is the other queue's, evenly spread; a random choice is so only in the long
 * run. A queue that was found empty takes no part until it has jobs again, and is tried first to see that: if it went
 * on gaining, it would have all turns for a while when its jobs come.
 */
class WeightedOrder implements QueueOrder {
  readonly #weights: ReadonlyMap<string, number>;
  readonly #credits: Map<string, number>;
  readonly #empty = new Set<string>();
  queues: readonly string[];

  /** Queues without a weight have 1. */
  constructor(queues: readonly string[], weights: ReadonlyMap<string, number>) {
    const all = queues.map((queue) =>
      [queue, weights.get(queue) ?? 1] as const
    );
    this.#weights = new Map(all);
    this.#credits = new Map(all);
    this.queues = this.#sorted(queues);
  }

  served(taken: readonly string[]): void {
    for (const queue of taken) {
      if (this.#empty.delete(queue)) this.#credits.set(queue, 0);
    }
    // Those in front of the last one were tried before it.
    const last = Math.max(...taken.map((queue) => this.queues.indexOf(queue)));
    for (const queue of this.queues.slice(0, last)) {
      if (!taken.includes(queue)) this.#empty.add(queue);
    }
    for (const queue of taken) this.#pay(queue);
    this.queues = this.#sorted(this.queues);
  }

  /** Each queue gains its weight, and the served one pays the sum. */
  #pay(served: string): void {
    let sum = 0;
    for (const [queue, weight] of this.#weights) {
      if (this.#empty.has(queue)) continue;
      sum += weight;
      this.#credits.set(queue, this.#credits.get(queue)! + weight);
    }
    this.#credits.set(served, this.#credits.get(served)! - sum);
  }

  #sorted(queues: readonly string[]): readonly string[] {
    const rank = (queue: string) =>
      this.#empty.has(queue) ? Infinity : this.#credits.get(queue)!;
    return queues.toSorted((a, b) =>
      rank(a) === rank(b) ? 0 : rank(b) - rank(a)
    );
  }
}
