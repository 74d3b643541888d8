/**
 * The kinds of settings, and the check of one value.
 *
 * @module
 */

import { type Duration, parseDuration } from "../base/duration.ts";
import { checkChoice } from "../base/options.ts";
import { parseSize, type Size } from "../base/size.ts";
import { checkStrategy, type DequeueStrategy } from "./queue_order.ts";
import type { Setting } from "./settings.ts";

/** The kinds of settings, and the type of a checked value of each. */
export interface SettingValues {
  /** On or off. */
  readonly switch: boolean;
  /** Any text. */
  readonly text: string;
  /** Texts; the flag is given once for each. */
  readonly texts: readonly string[];
  /** Texts; in one flag, they are separated by commas. */
  readonly list: readonly string[];
  /** One of some texts. */
  readonly choice: string;
  /** In which order queues are tried. */
  readonly strategy: DequeueStrategy;
  /** A whole number from 1. */
  readonly count: number;
  /** A length of time, in whole seconds. */
  readonly duration: number;
  /** An amount of memory, in bytes. */
  readonly size: number;
  /** Anything else; it is checked elsewhere. */
  readonly object: unknown;
}

/** A kind of settings. */
export type SettingKind = keyof SettingValues;

/**
 * Checks the value of a setting.
 *
 * @param label What the setting is called in errors.
 * @throws {RangeError | TypeError} It names the setting.
 */
export function checkSetting(
  setting: Setting,
  value: unknown,
  label: string,
): unknown {
  switch (setting.kind) {
    case "switch":
      if (typeof value === "boolean") return value;
      throw wrongType(label, value, "true or false");
    case "text":
      if (typeof value === "string") return value;
      throw wrongType(label, value, "a text");
    case "texts":
    case "list":
      if (isTexts(value)) return value;
      throw wrongType(label, value, "a list of texts");
    case "choice":
      return checkChoice(label, value, setting.choices ?? []);
    case "strategy":
      return checkStrategy(label, value);
    case "count":
      return checkCount(label, value, setting.most);
    case "duration":
      return parseDuration(value as Duration, label, setting);
    case "size":
      return parseSize(value as Size, label);
    case "object":
      return value;
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) &&
    value.every((entry) => typeof entry === "string");
}

function checkCount(label: string, value: unknown, most = Infinity): number {
  const count = value as number;
  const isWhole = Number.isInteger(count) || count === Infinity;
  if (isWhole && count >= 1 && count <= most) return count;
  throw new RangeError(
    `Cannot use ${label} ${show(value)}: expected a whole number from 1${
      most === Infinity ? "" : ` to ${most}`
    }`,
  );
}

function wrongType(label: string, value: unknown, what: string): TypeError {
  return new TypeError(`Cannot use ${label} ${show(value)}: expected ${what}`);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
