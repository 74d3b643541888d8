/** The results as text and as JSON. */

import type { Measurement, Metric } from "./context.ts";
import type { Environment } from "./environment.ts";
import { type Outcome, outcomes } from "./goals.ts";
import type { Results, Summary } from "./results.ts";
import { SYSTEM_NAMES, type SystemName } from "./systems.ts";

/** A run that is over. */
export interface Run {
  readonly environment: Environment;
  readonly rounds: number;
  readonly measurements: readonly Measurement[];
  readonly results: Results;
}

const COLUMNS: Readonly<Record<SystemName, string>> = {
  ours: "deno-rq",
  rq: "RQ",
  bullmq: "BullMQ",
};

const TITLE_WIDTH = 60;
const CELL_WIDTH = 25;
const RATIO_WIDTH = 10;

/** Everything, for programs. */
export function toJson(run: Run): string {
  const { environment, rounds, measurements, results } = run;
  const metrics = measurements.flatMap(({ name, metrics }) =>
    metrics.map(({ id, title, unit }) => ({
      ...{ id, measurement: name, title, unit },
      ...Object.fromEntries(SYSTEM_NAMES.map((system) => [system, {
        ...results.summary(id, system),
        ...results.cell(id, system),
      }])),
    }))
  );
  const goals = outcomes(results, metricsOf(run)).map((
    { title, way, target, unit, value, met },
  ) => ({
    ...{ title, goal: `${way} ${target} ${unit}` },
    value: value ?? null,
    met: met ?? null,
  }));
  return JSON.stringify({ environment, rounds, metrics, goals }, null, 2);
}

/** Everything, for people. */
export function toText(run: Run): string {
  return [
    ...environmentLines(run),
    "",
    ...tableLines(run),
    "",
    ...goalLines(run),
    ...reasonLines(run),
  ].join("\n");
}

function metricsOf({ measurements }: Run): Metric[] {
  return measurements.flatMap(({ metrics }) => metrics);
}

function environmentLines({ environment, rounds }: Run): string[] {
  const lines = Object.entries(environment).map(([name, value]) =>
    `${name.padEnd(14)} ${value}`
  );
  return [...lines, `${"rounds".padEnd(14)} ${rounds}`];
}

function tableLines({ measurements, results }: Run): string[] {
  const header = "median (min – max)".padEnd(TITLE_WIDTH) +
    SYSTEM_NAMES.map((name) => COLUMNS[name].padStart(CELL_WIDTH)).join("") +
    "/ RQ".padStart(RATIO_WIDTH) + "/ BullMQ".padStart(RATIO_WIDTH);
  const rows = measurements.flatMap(({ metrics }) =>
    metrics.filter(({ shown }) => shown ?? true)
      .map((metric) => row(metric, results))
  );
  return [header, "─".repeat(header.length), ...rows];
}

function row(metric: Metric, results: Results): string {
  const cells = SYSTEM_NAMES.map((system) =>
    formatCell(results.summary(metric.id, system), metric.unit)
      .padStart(CELL_WIDTH)
  );
  const ratios = (["rq", "bullmq"] as const).map((other) => {
    const ratio = results.ratio([metric.id, "ours"], [metric.id, other]);
    return (ratio === undefined ? "" : `${formatNumber(ratio)}×`)
      .padStart(RATIO_WIDTH);
  });
  const title = metric.unit === ""
    ? metric.title
    : `${metric.title}, ${metric.unit === "/s" ? "per s" : metric.unit}`;
  return title.padEnd(TITLE_WIDTH) + cells.join("") + ratios.join("");
}

function formatCell(summary: Summary | undefined, unit: string): string {
  if (summary === undefined) return "–";
  const { median, min, max } = summary;
  const format = (value: number) =>
    unit === "B" ? formatBytes(value) : formatNumber(value);
  if (min === max) return format(median);
  return `${format(median)} (${format(min)} – ${format(max)})`;
}

function formatBytes(bytes: number): string {
  return bytes < 100_000
    ? formatNumber(bytes)
    : `${formatNumber(bytes / 1_048_576)}M`;
}

/** Three digits that say something. */
function formatNumber(value: number): string {
  if (value >= 100_000) return `${Math.round(value / 1_000)}k`;
  if (value >= 10_000) return `${(value / 1_000).toFixed(1)}k`;
  if (value >= 100) return String(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function goalLines(run: Run): string[] {
  const rows = outcomes(run.results, metricsOf(run)).map((outcome) =>
    outcome.title.padEnd(68) + goalOf(outcome).padStart(10) +
    valueOf(outcome).padStart(12) + `   ${verdict(outcome)}`
  );
  const header = "goal".padEnd(68) + "".padStart(10) + "here".padStart(12);
  return [header, "─".repeat(header.length + 10), ...rows];
}

function goalOf({ way, target, unit }: Outcome): string {
  return `${way} ${target} ${unit}`;
}

function valueOf({ value, unit }: Outcome): string {
  return value === undefined ? "–" : `${formatNumber(value)} ${unit}`;
}

function verdict({ met }: Outcome): string {
  return met === undefined ? "not measured" : met ? "met" : "not met";
}

/** Why cells are empty, each reason once. */
function reasonLines({ measurements, results }: Run): string[] {
  const lines = measurements.flatMap(({ name, metrics }) =>
    SYSTEM_NAMES.flatMap((system) => {
      const { reason } = results.cell(metrics[0]?.id ?? "", system);
      return reason === undefined
        ? []
        : [`${name}, ${COLUMNS[system]}: ${reason}`];
    })
  );
  return lines.length === 0 ? [] : ["", "–", ...lines];
}
