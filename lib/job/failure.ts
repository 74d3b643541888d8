/**
 * Turns the stored text of a failure into an error and a headline.
 *
 * @module
 */

/**
 * Creates an `Error` from a stored traceback of JavaScript or Python: name and
 * message come from the line that has them, `stack` is the whole text.
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

/** The line of a traceback that names the error, for a log or a message. */
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
