/** What was measured, by metric and system. */

import type { Readings } from "./context.ts";
import type { SystemName } from "./systems.ts";

/** Numbers of the rounds in order, or why there is none. */
export interface Cell {
  readonly samples: readonly number[];
  readonly reason?: string;
}

/** The middle and the ends. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** All cells of a run. */
export class Results {
  readonly #samples = new Map<string, number[]>();
  readonly #reasons = new Map<string, string>();

  /** Adds what one system gave in one round. */
  add(system: SystemName, readings: Readings): void {
    for (const [metric, value] of Object.entries(readings)) {
      if (value === undefined || !Number.isFinite(value)) continue;
      const key = `${metric} ${system}`;
      this.#samples.set(key, [...this.#samples.get(key) ?? [], value]);
    }
  }

  /** Notes why a system gives no numbers. */
  explain(
    system: SystemName,
    metrics: readonly { readonly id: string }[],
    reason: string,
  ): void {
    for (const { id } of metrics) this.#reasons.set(`${id} ${system}`, reason);
  }

  /** What there is of one metric of one system. */
  cell(metric: string, system: SystemName): Cell {
    const key = `${metric} ${system}`;
    const reason = this.#reasons.get(key);
    const samples = this.#samples.get(key) ?? [];
    return reason === undefined ? { samples } : { samples, reason };
  }

  /** The middle and the ends of a cell, if it has numbers. */
  summary(metric: string, system: SystemName): Summary | undefined {
    return summarize(this.cell(metric, system).samples);
  }

  /** The median of a cell, if it has numbers. */
  median(metric: string, system: SystemName = "ours"): number | undefined {
    return this.summary(metric, system)?.median;
  }

  /**
   * One cell by another: the median of the ratios of the rounds, since what was measured
   * in one round had the same neighbours on the machine; that of the medians
   * where a round is missing.
   */
  ratio(
    [metric, system]: readonly [string, SystemName],
    [otherMetric, other]: readonly [string, SystemName],
  ): number | undefined {
    const values = this.cell(metric, system).samples;
    const bases = this.cell(otherMetric, other).samples;
    if (values.length === bases.length && !bases.includes(0)) {
      const ratios = values.map((value, round) => value / bases[round]!);
      return median(ratios);
    }
    const value = median(values);
    const base = median(bases);
    return value === undefined || !base ? undefined : value / base;
  }
}

/** The middle one; `undefined` of none. */
export function median(samples: readonly number[]): number | undefined {
  return summarize(samples)?.median;
}

function summarize(samples: readonly number[]): Summary | undefined {
  if (samples.length === 0) return undefined;
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle]!;
  const low = sorted.length % 2 === 0 ? sorted[middle - 1]! : high;
  return { median: (low + high) / 2, min: sorted[0]!, max: sorted.at(-1)! };
}
