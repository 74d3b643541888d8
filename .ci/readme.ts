/**
 * The README's table of settings, made from their list.
 *
 * @module
 */

import {
  describeSetting,
  type NamedSetting,
  SETTING_LIST,
  shownDefault,
} from "../lib/worker/settings.ts";
import { runDeno } from "./deno.ts";

const README = "README.md";

/** The table in the README: from its first column's title to the empty line after it. */
export const SETTINGS_TABLE: RegExp =
  /^\| option of `Worker`[^\n]*\n(\|[^\n]*\n)*/m;

/** The table as it should be; `deno fmt` aligns its columns. */
export function settingsTable(): string {
  const rows = [
    ["option of `Worker`", "flag", "default", "meaning"],
    ["---", "---", "---", "---"],
    ...SETTING_LIST.map(rowOf),
  ];
  return rows.map((row) => `| ${row.join(" | ")} |\n`).join("");
}

function rowOf(setting: NamedSetting): string[] {
  const { kind, option, flag, short } = setting;
  // The flag of a switch that is on turns it off, and that is what its help describes.
  const turnsOff = kind === "switch" && setting.default === true;
  return [
    turnsOff ? `\`${option}: false\`` : `\`${option}\``,
    [
      ...(short === undefined ? [] : [`\`-${short}\``]),
      ...(flag === undefined ? [] : [`\`--${flag}\``]),
    ].join(", "),
    shownDefault(setting),
    describeSetting(setting),
  ];
}

/** Writes the table into the README; gives the exit code. */
async function writeReadme(): Promise<number> {
  const text = await Deno.readTextFile(README);
  if (!SETTINGS_TABLE.test(text)) {
    throw new Error(`Cannot find the table of settings in ${README}`);
  }
  const written = text.replace(SETTINGS_TABLE, () => settingsTable());
  await Deno.writeTextFile(README, written);
  return await runDeno(["fmt", "--quiet", README]);
}

if (import.meta.main) Deno.exitCode = await writeReadme();
