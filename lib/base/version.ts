/** This package's version, as in its `deno.json`. */
export const VERSION = "0.1.0";
