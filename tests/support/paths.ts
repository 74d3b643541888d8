/** Paths, for tests that start programs. */

import { fileURLToPath } from "node:url";

/** The path of a `file:` URL. */
export function fromFileUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/** The project's folder, without a slash at the end. */
export const ROOT: string = fromFileUrl(new URL("../..", import.meta.url))
  .replace(/\/$/, "");
