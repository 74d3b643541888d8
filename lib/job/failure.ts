/**
 * The text of a failure, as it is stored, and the error that can be made of it again.
 *
 * @module
 */

/**
 * Makes an `Error` out of a stored traceback, JavaScript's or Python's: its
 * name and message are read from the line that has them, its `stack` is the whole text.
 */
export function errorOfTraceback(text: string): Error {
  const { name, message } = text.startsWith("Traceback ")
    ? headOfPython(text)
    : headOfJavaScript(text);
  const error = new Error(message);
  Object.defineProperty(error, "name", { value: name, configurable: true });
  Object.defineProperty(error, "stack", { value: text, configurable: true });
  return error;
}

/** The one line that names the failure, for a log or a message. */
export function headlineOf(text: string): string {
  const { name, message } = text.startsWith("Traceback ")
    ? headOfPython(text)
    : headOfJavaScript(text);
  const [first = ""] = message.split("\n", 1);
  return name === "Error" && first === ""
    ? text.split("\n", 1)[0] ?? ""
    : `${name}: ${first}`;
}

function headOfPython(text: string): { name: string; message: string } {
  const lines = text.trimEnd().split("\n");
  let last = lines.length - 1;
  while (last > 0 && !/^[\w.]+(:|$)/.test(lines[last]!)) last--;
  return split(lines.slice(last).join("\n"));
}

function headOfJavaScript(text: string): { name: string; message: string } {
  const end = text.search(/\n\s+at |\n\s*\[cause\]|\nCaused by/);
  return split(end < 0 ? text : text.slice(0, end));
}

function split(head: string): { name: string; message: string } {
  const match = /^(?:Uncaught )?([\w.$]+)(?:: ([\s\S]*))?$/.exec(
    head.trimEnd(),
  );
  return match
    ? { name: match[1]!, message: match[2] ?? "" }
    : { name: "Error", message: head.trimEnd() };
}
