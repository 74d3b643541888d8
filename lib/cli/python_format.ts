/**
 * Formats of log lines and dates as Python writes them, which `rq worker` takes: `%(asctime)s %(levelname)-8s %(message)s`,
 * `%Y-%m-%d %H:%M:%S`.
 *
 * @module
 */

/** What a line is made of. */
export interface PythonRecord {
  readonly date: Date;
  readonly level: string;
  readonly logger: string;
  readonly message: string;
}

/** RQ's own. */
const LINE = "%(asctime)s %(message)s";
const DATE = "%H:%M:%S";

/** Python's names of levels, with their numbers, by those of `@std/log`. */
const LEVELS: Readonly<
  Record<string, readonly [name: string, number: number]>
> = {
  DEBUG: ["DEBUG", 10],
  INFO: ["INFO", 20],
  WARN: ["WARNING", 30],
  ERROR: ["ERROR", 40],
  CRITICAL: ["CRITICAL", 50],
};

const FIELD = /%(?:%|\((\w+)\)([-0]?)(\d*)(?:\.\d+)?[sdfr])/g;
const DIRECTIVE = /%(.)/gs;

/** Makes lines in a format of Python's `logging`. What only Python knows of a call, such as its line, is left empty. */
export function pythonLines(
  line: string = LINE,
  date: string = DATE,
): (record: PythonRecord) => string {
  return (record) =>
    line.replaceAll(FIELD, (_, name?: string, pad = "", width = "") => {
      if (name === undefined) return "%";
      const text = field(name, record, date);
      const size = Number(width);
      if (pad === "-") return text.padEnd(size);
      return text.padStart(size, pad === "0" ? "0" : " ");
    });
}

function field(name: string, record: PythonRecord, date: string): string {
  const [level = record.level, number = 0] = LEVELS[record.level] ?? [];
  const millis = record.date.getTime();
  switch (name) {
    case "asctime":
      return pythonDate(date, record.date);
    case "message":
      return record.message;
    case "levelname":
      return level;
    case "levelno":
      return String(number);
    case "name":
      return record.logger;
    case "process":
      return String(Deno.pid);
    case "processName":
      return "MainProcess";
    case "threadName":
      return "MainThread";
    case "created":
      return String(millis / 1_000);
    case "msecs":
      return String(millis % 1_000);
    default:
      return "";
  }
}

/** A date in the format of Python's `strftime`, in local time. */
function pythonDate(format: string, date: Date): string {
  return format.replaceAll(DIRECTIVE, (directive, letter: string) => {
    return directiveText(letter, date) ?? directive;
  });
}

function directiveText(letter: string, date: Date): string | undefined {
  const two = (number: number) => String(number).padStart(2, "0");
  const named = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat("en", options).format(date);
  switch (letter) {
    case "Y":
      return String(date.getFullYear());
    case "y":
      return two(date.getFullYear() % 100);
    case "m":
      return two(date.getMonth() + 1);
    case "d":
      return two(date.getDate());
    case "H":
      return two(date.getHours());
    case "I":
      return two((date.getHours() + 11) % 12 + 1);
    case "M":
      return two(date.getMinutes());
    case "S":
      return two(date.getSeconds());
    case "p":
      return date.getHours() < 12 ? "AM" : "PM";
    case "a":
      return named({ weekday: "short" });
    case "A":
      return named({ weekday: "long" });
    case "b":
      return named({ month: "short" });
    case "B":
      return named({ month: "long" });
    case "j":
      return String(dayOfYear(date)).padStart(3, "0");
    case "z":
      return offset(date);
    case "F":
      return pythonDate("%Y-%m-%d", date);
    case "T":
      return pythonDate("%H:%M:%S", date);
    case "s":
      return String(Math.floor(date.getTime() / 1_000));
    case "%":
      return "%";
    default:
      return undefined;
  }
}

function dayOfYear(date: Date): number {
  const [year, month, day] = [
    ...[date.getFullYear(), date.getMonth(), date.getDate()],
  ] as [number, number, number];
  return (Date.UTC(year, month, day) - Date.UTC(year, 0, 0)) / 86_400_000;
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const [hours, rest] = [
    Math.floor(Math.abs(minutes) / 60),
    Math.abs(minutes) % 60,
  ];
  const text = [hours, rest].map((n) => String(n).padStart(2, "0")).join("");
  return `${minutes < 0 ? "-" : "+"}${text}`;
}
