/**
 * Formats a call as RQ's log lines and dashboards show it: `jobs.mail.send('yangyi')`.
 *
 * @module
 */

/** RQ truncates each argument to this many characters (`rq.utils.truncate_long_string`). */
const LONGEST_ARGUMENT = 75;

/** Formats a call in Python's notation, keyword arguments sorted by name. */
export function describeCall(
  funcName: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): string {
  const parts = args.map((arg) => cut(repr(arg)));
  for (const key of Object.keys(kwargs).sort()) {
    parts.push(`${key}=${cut(repr(kwargs[key]))}`);
  }
  return `${funcName}(${parts.join(", ")})`;
}

function cut(text: string): string {
  if (text.length <= LONGEST_ARGUMENT) return text;
  const start = firstCharacters(text, LONGEST_ARGUMENT);
  return start.length < text.length ? `${start}...` : text;
}

/** Truncates to a number of code points, which is what Python counts. */
function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  return [...text.slice(0, 2 * count)].slice(0, count).join("");
}

/** Python's `repr` of a JSON value. It stops at `budget` characters, since the text is truncated anyway. */
function repr(value: unknown, budget = LONGEST_ARGUMENT + 1): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return reprText(value, budget);
  if (typeof value === "number") return reprNumber(value);
  if (typeof value !== "object") return String(value);
  const plain = toPlain(value);
  if (plain !== value) return repr(plain, budget);
  const isList = Array.isArray(value);
  // Iterates only over what is shown: there may be very many items.
  const keys = isList ? value.keys() : Object.keys(value);
  const parts: string[] = [];
  let length = 1;
  for (const key of keys) {
    const item = (value as Record<PropertyKey, unknown>)[key];
    if (item === undefined && !isList) continue;
    const text = repr(item, budget - length);
    const part = isList ? text : `${reprText(String(key))}: ${text}`;
    parts.push(part);
    length += part.length + 2;
    if (length > budget) break;
  }
  return isList ? `[${parts.join(", ")}]` : `{${parts.join(", ")}}`;
}

function toPlain(value: object): unknown {
  return "toJSON" in value && typeof value.toJSON === "function"
    ? value.toJSON()
    : value;
}

/** Python writes 1e-05 and 1e-07 where JavaScript writes 0.00001 and 1e-7. */
function reprNumber(value: number): string {
  const small = value !== 0 && Math.abs(value) < 1e-4;
  return (small ? value.toExponential() : String(value))
    .replace(/e([+-])(\d)$/, "e$10$2");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** Printable ASCII without anything to escape, as most texts are. */
const PLAIN = /^[ !#-&(-[\]-~]*$/;

function reprText(text: string, budget = text.length): string {
  if (text.length <= budget && PLAIN.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = firstCharacters(text, budget)
    .replaceAll(/[\\\n\r\t]/g, (c) => ESCAPES[c]!)
    .replaceAll(quote, `\\${quote}`)
    // Escapes unprintable characters as Python does: they could garble or forge a log line.
    .replaceAll(/[\p{C}\p{Z}]/gu, (c) => c === " " ? c : codeOf(c));
  return quote + escaped + quote;
}

function codeOf(character: string): string {
  const code = character.codePointAt(0)!;
  const [letter, digits] = code < 0x100
    ? ["x", 2] as const
    : code < 0x10000
    ? ["u", 4] as const
    : ["U", 8] as const;
  return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}
