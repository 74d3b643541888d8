/** Reads the table of all transitions. */

import { assertEquals } from "@std/assert";
import type { JobState } from "./job_states.ts";

/** One cell. */
export interface Cell {
  readonly before: JobState;
  /** `=` for the same. */
  readonly after: string;
  readonly answer: string;
}

/** A row's name, and its cells by column. */
export type Row = readonly [name: string, cells: readonly Cell[]];

/** Reads the table: a header with the states, then two lines for each row, the states after and the answers. */
export function readTable(table: string): Row[] {
  const [header, ...lines] = table.split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("|", 2).map((part) => part.trim()));
  const columns = words(header?.[1]).slice(1) as JobState[];
  const rows: Row[] = [];
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i]?.[0] ?? "";
    const [states, answers] = [words(lines[i]?.[1]), words(lines[i + 1]?.[1])];
    const lengths = [states.length, answers.length];
    assertEquals(lengths, lengths.map(() => 1 + columns.length), name);
    const cells = columns.map((before, k) => ({
      before,
      after: orFirst(states, k + 1),
      answer: orFirst(answers, k + 1),
    }));
    rows.push([name, cells]);
  }
  return rows;
}

function words(text = ""): string[] {
  return text.split(/ +/);
}

function orFirst(line: readonly string[], i: number): string {
  return line[i] === "." ? line[0]! : line[i]!;
}
