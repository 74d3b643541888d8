import { assertEquals, assertThrows } from "@std/assert";
import {
  asStaticMethod,
  formatFuncRef,
  type FuncRef,
  isUrlSpecifier,
  parseFuncRef,
} from "../../lib/job/func_ref.ts";

function dotted(modulePath: string, exportName: string): FuncRef {
  return { kind: "dotted", modulePath, exportName };
}

function inModule(specifier: string, exportName: string): FuncRef {
  return { kind: "module", specifier, exportName };
}

Deno.test.each<[string, FuncRef]>([
  ["rq_test.hello", dotted("rq_test", "hello")],
  ["jobs.mail.send", dotted("jobs/mail", "send")],
  ["a.b.c.d", dotted("a/b/c", "d")],
  ["jobs.mail.default", dotted("jobs/mail", "default")],
  ["_a.$b", dotted("_a", "$b")],
  ["größe.länge", dotted("größe", "länge")],
  ["jobs/mail.ts#send", inModule("jobs/mail.ts", "send")],
  ["./jobs/mail.ts#send", inModule("./jobs/mail.ts", "send")],
  ["../mail.ts#send", inModule("../mail.ts", "send")],
  ["mail.ts#send", inModule("mail.ts", "send")],
  ["jobs/mail.ts", inModule("jobs/mail.ts", "default")],
  ["jobs/mail.ts#", inModule("jobs/mail.ts", "default")],
  ["jobs/mail.ts#default", inModule("jobs/mail.ts", "default")],
  ["jsr:@me/jobs", inModule("jsr:@me/jobs", "default")],
  ["jsr:@me/jobs@1.2.3#send", inModule("jsr:@me/jobs@1.2.3", "send")],
  ["npm:left-pad#default", inModule("npm:left-pad", "default")],
  ["https://x.example/a.ts#b", inModule("https://x.example/a.ts", "b")],
  [
    "https://x.example/a.ts?v=1#b",
    inModule("https://x.example/a.ts?v=1", "b"),
  ],
  ["file:///srv/a.ts#send", inModule("file:///srv/a.ts", "send")],
])("parseFuncRef() reads %s", (text, ref) => {
  assertEquals(parseFuncRef(text), ref);
});

Deno.test.each<[string, string]>([
  ["the empty text", ""],
  ["a single name", "hello"],
  ["a dot at the end", "jobs."],
  ["a dot at the start", ".jobs"],
  ["two dots", "jobs..send"],
  ["a name that begins with a digit", "jobs.1st"],
  ["a name with a blank", "jobs.my send"],
  ["a name with a dash", "jobs.send-mail"],
  ["a local Python function", "jobs.make.<locals>.inner"],
  ["an export without a module", "#send"],
  ["a line after it", "jobs.send\n"],
  ["a call", "jobs.send()"],
])("parseFuncRef() refuses %s", (_name, text) => {
  const error = assertThrows(() => parseFuncRef(text), TypeError);
  assertEquals(
    error.message.startsWith(`Cannot read function reference "${text}"`),
    true,
  );
});

Deno.test.each<[string, string, string]>([
  ["rq_test.ts", "hello", "rq_test.hello"],
  ["jobs/mail.ts", "send", "jobs.mail.send"],
  ["jobs/mail.ts", "default", "jobs.mail.default"],
  ["jobs/mod.ts", "send", "jobs.mod.send"],
  ["jobs/send-mail.ts", "send", "jobs/send-mail.ts#send"],
  ["jobs/mail.js", "send", "jobs/mail.js#send"],
  ["jobs/mail.mts", "send", "jobs/mail.mts#send"],
  ["jobs/mail.tsx", "send", "jobs/mail.tsx#send"],
  ["jobs/mail.d.ts", "send", "jobs/mail.d.ts#send"],
  ["jobs/mail.test.ts", "send", "jobs/mail.test.ts#send"],
  ["v1.2/mail.ts", "send", "v1.2/mail.ts#send"],
  ["1st/mail.ts", "send", "1st/mail.ts#send"],
  ["../other/mail.ts", "send", "../other/mail.ts#send"],
  ["my jobs/mail.ts", "send", "my jobs/mail.ts#send"],
  ["jobs/mail.ts", "a b", "jobs/mail.ts#a b"],
  ["jobs.ts", "Mailer.send", "jobs.Mailer.send"],
  ["jobs/mail.ts", "Mailer.send", "jobs.mail.Mailer.send"],
  ["jobs/mail.js", "Mailer.send", "jobs/mail.js#Mailer.send"],
  ["jobs/mail.ts", "Mailer.send it", "jobs/mail.ts#Mailer.send it"],
  ["jobs/mail.ts", "a.b.c", "jobs/mail.ts#a.b.c"],
  ["jobs/mail", "send", "jobs/mail#send"],
])("formatFuncRef() writes %s and %s as %s", (path, name, text) => {
  assertEquals(formatFuncRef(path, name), text);
});

Deno.test.each<[string, string]>([
  ["jobs/mail.ts", "send"],
  ["jobs/send-mail.ts", "send"],
  ["jobs/mail.js", "default"],
  ["a/b/c/d.ts", "e"],
  ["jobs/a b.ts", "send"],
  ["jobs/mail.ts", "a b"],
  ["jobs/mail.js", "a.b"],
])(
  "what formatFuncRef() writes of %s and %s, parseFuncRef() reads as the same",
  (path, name) => {
    const ref = parseFuncRef(formatFuncRef(path, name));
    const read = ref.kind === "dotted" ? `${ref.modulePath}.ts` : ref.specifier;
    assertEquals([read, ref.exportName], [path, name]);
  },
);

Deno.test.each<[string, FuncRef | undefined]>([
  ["jobs.Mailer.send", dotted("jobs", "Mailer.send")],
  ["a.b.C.d", dotted("a/b", "C.d")],
  ["jobs.send", undefined],
])("asStaticMethod() reads %s as a class and its method", (text, ref) => {
  const read = parseFuncRef(text);
  assertEquals(read.kind === "dotted" ? asStaticMethod(read) : read, ref);
});

Deno.test.each<[string, boolean]>([
  ["jsr:@a/b", true],
  ["npm:a", true],
  ["https://a/b.ts", true],
  ["file:///a.ts", true],
  ["FILE:///a.ts", true],
  ["data:text/javascript,1", true],
  ["./a.ts", false],
  ["jobs/a.ts", false],
  ["jobs.a", false],
])("isUrlSpecifier() says of %s: %s", (specifier, is) => {
  assertEquals(isUrlSpecifier(specifier), is);
});
