/** The host name. @module */

/** The host name, or "unknown" without the permission to read it. */
export function hostname(): string {
  const allowed = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return allowed.state === "granted" ? Deno.hostname() : "unknown";
}
