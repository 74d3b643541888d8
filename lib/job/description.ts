/**
 * The call as RQ's log lines and dashboards show it: `jobs.mail.send('yangyi')`.
 *
 * @module
 */

/** RQ cuts each argument's text after so many characters (`rq.utils.truncate_long_string`). */
const LONGEST_ARGUMENT = 75;

/** Writes a call in Python's notation, keyword arguments in the order of their names. */
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
  return text.length > LONGEST_ARGUMENT
    ? `${text.slice(0, LONGEST_ARGUMENT)}...`
    : text;
}

/** Python's `repr` of a JSON value; it stops early, since what is longer is cut anyway. */
function repr(value: unknown, budget = LONGEST_ARGUMENT + 1): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return reprText(value.slice(0, budget));
  if (typeof value !== "object") return String(value);
  const plain = toPlain(value);
  if (plain !== value) return repr(plain, budget);
  const open = Array.isArray(value) ? "[" : "{";
  const parts: string[] = [];
  let length = 1;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined && open === "{") continue;
    const text = repr(item, budget - length);
    const part = open === "[" ? text : `${reprText(key)}: ${text}`;
    parts.push(part);
    length += part.length + 2;
    if (length > budget) break;
  }
  return `${open}${parts.join(", ")}${open === "[" ? "]" : "}"}`;
}

function toPlain(value: object): unknown {
  return "toJSON" in value && typeof value.toJSON === "function"
    ? value.toJSON()
    : value;
}

function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t")
    .replaceAll(
      // deno-lint-ignore no-control-regex -- they would garble a log line
      /[\u0000-\u001f\u007f-\u009f]/g,
      (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) +
    quote;
}
