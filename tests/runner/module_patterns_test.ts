import { assertEquals, assertThrows } from "@std/assert";
import {
  allowedModule,
  parseModulePattern,
} from "../../lib/runner/module_patterns.ts";

const CASES: readonly [
  pattern: string,
  module: string,
  is: string | boolean,
][] = [
  ["jsr:@acme/mail", "jsr:@acme/mail", true],
  ["jsr:@acme/mail", "jsr:@acme/mail@1.2.3", true],
  ["jsr:@acme/mail", "jsr:@acme/mail@^1/send", true],
  ["jsr:@acme/mail", "jsr:/@acme/mail", "jsr:@acme/mail"],
  ["jsr:@acme/mail", "JSR:@acme/mail", "jsr:@acme/mail"],
  ["jsr:@acme/mail", "jsr:@acme/mailer", false],
  ["jsr:@acme/mail", "jsr:@acme/mail-evil", false],
  ["jsr:@acme/mail", "npm:@acme/mail", false],
  ["jsr:@acme/mail", "jsr:@evil/mail", false],
  ["jsr:@acme/mail@1.2.3", "jsr:@acme/mail@1.2.3", true],
  ["jsr:@acme/mail@1.2.3", "jsr:@acme/mail@1.2.4", false],
  ["jsr:@acme/mail@1.2.3", "jsr:@acme/mail", false],
  ["jsr:@acme/mail/send", "jsr:@acme/mail/send", true],
  ["jsr:@acme/mail/send", "jsr:@acme/mail/sender", false],
  ["npm:@acme/*", "npm:@acme/any@1/sub", true],
  ["npm:@acme/*", "npm:@acme-evil/any", false],
  ["npm:@acme/*", "npm:@acme/../evil", false],
  ["npm:@acme/*", "npm:@acme/..%2fevil", false],
  ["npm:@acme/*", "npm:@acme/any@npm:evil", false],
  ["npm:@acme/*", "npm:acme", false],
  ["npm:*", "npm:left-pad", true],
  ["npm:*", "jsr:@a/b", false],
  ["https://acme.com", "https://acme.com/jobs/a.ts", true],
  ["https://acme.com", "https://acme.com.evil/a.ts", false],
  ["https://acme.com", "https://acme.com@evil.com/a.ts", false],
  ["https://acme.com", "https://user:pw@acme.com/a.ts", false],
  ["https://acme.com", "https://acme.com:8443/a.ts", false],
  ["https://acme.com", "http://acme.com/a.ts", false],
  ["https://acme.com", "HTTPS://ACME.com/a.ts", "https://acme.com/a.ts"],
  ["https://acme.com/jobs", "https://acme.com/jobs/a.ts", true],
  ["https://acme.com/jobs", "https://acme.com/jobs2/a.ts", false],
  ["https://acme.com/jobs/", "https://acme.com/jobs/../admin.ts", false],
  ["https://acme.com/jobs/", "https://acme.com/jobs/%2e%2e/admin.ts", false],
  ["https://acme.com/jobs/", "https://acme.com/jobs/..%2Fadmin.ts", false],
  ["https://acme.com/jobs/*", "https://acme.com/jobs/a.ts", true],
  ["http://localhost:8000/", "http://localhost:8000/a.ts", true],
];

Deno.test.each(CASES.map(([pattern, module, is]) => ({ pattern, module, is })))(
  "$pattern allows $module: $is",
  ({ pattern, module, is }) => {
    const allowed = allowedModule(module, [parseModulePattern(pattern)]);
    assertEquals(allowed, is === true ? module : is || undefined);
  },
);

Deno.test.each([
  "",
  "*",
  "node:fs",
  "data:text/javascript,1",
  "blob:x",
  "file:///srv",
  "acme",
  "jsr:",
  "jsr:@acme/m*",
  "jsr:@a*/mail",
  "npm:../x",
  "https://*",
  "https://*.acme.com",
  "https://user@acme.com",
  "https://acme.com/?a",
])("parseModulePattern() refuses %s", (text) => {
  assertThrows(() => parseModulePattern(text), TypeError, `"${text}"`);
});
