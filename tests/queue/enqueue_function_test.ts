import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Session } from "node:inspector";
import { fileURLToPath } from "node:url";
import type { FuncSource } from "../../lib/queue/func_name.ts";
import { runFlags } from "../support/deno_flags.ts";
import { RedisServer } from "../support/redis_server.ts";
import { turn } from "../support/fake_clock.ts";
import { waitFor } from "../support/wait_for.ts";
import { resend } from "./fixtures/project/again.ts";
import { Letters } from "./fixtures/project/jobs/letters.ts";
import report, {
  arrow,
  closure,
  leak,
  nothing,
  send,
  shown,
  Tools,
} from "./fixtures/project/jobs/mail.ts";
import { send as sendDashed } from "./fixtures/project/jobs/send-mail.ts";
import { Desk } from "./support.ts";

/** Counts how often V8's inspector is asked. */
class Lookups implements Disposable {
  begun = 0;
  open = 0;
  readonly #connect = Session.prototype.connect;
  readonly #disconnect = Session.prototype.disconnect;

  constructor() {
    const connect = this.#connect;
    const disconnect = this.#disconnect;
    const note = (change: number) => {
      if (change > 0) this.begun++;
      this.open += change;
    };
    Session.prototype.connect = function () {
      note(1);
      return connect.call(this);
    };
    Session.prototype.disconnect = function () {
      note(-1);
      return disconnect.call(this);
    };
  }

  [Symbol.dispose](): void {
    Session.prototype.connect = this.#connect;
    Session.prototype.disconnect = this.#disconnect;
  }
}

const MAIL = new URL("./fixtures/project/jobs/mail.ts", import.meta.url);
const DASHED = new URL("./fixtures/project/jobs/send-mail.ts", import.meta.url);

function at(url: URL, hash: string): URL {
  const copy = new URL(url);
  copy.hash = hash;
  return copy;
}

const NAMED: [string, FuncSource, string][] = [
  ["an exported function", send, "jobs.mail.send"],
  ["an exported arrow", arrow, "jobs.mail.arrow"],
  ["a default export", report, "jobs.mail.default"],
  ["a function exported under another name", shown, "jobs.mail.shown"],
  ["a function exported again elsewhere", resend, "jobs.mail.send"],
  ["a function of a dashed file", sendDashed, "jobs/send-mail.ts#send"],
  ["a static method", Tools.clean, "jobs.mail.Tools.clean"],
  [
    "a static method whose dotted name is that of a module",
    Letters.send,
    "jobs/letters.ts#Letters.send",
  ],
  [
    "a text for a static method",
    "jobs/letters.ts#Letters.send",
    "jobs/letters.ts#Letters.send",
  ],
  ["a URL", at(MAIL, "send"), "jobs.mail.send"],
  ["a URL without export", at(MAIL, ""), "jobs.mail.default"],
  ["a URL of a dashed file", at(DASHED, "send"), "jobs/send-mail.ts#send"],
  ["a file: text", `${MAIL.href}#send`, "jobs.mail.send"],
  ["an absolute path", `${fileURLToPath(MAIL)}#send`, "jobs.mail.send"],
  ["a dotted path", "rq_test.hello", "rq_test.hello"],
  ["a path in the project", "jobs/mail.ts#send", "jobs.mail.send"],
  ["a dashed path", "jobs/send-mail.ts#send", "jobs/send-mail.ts#send"],
  ["jsr:", "jsr:@me/jobs@1#send", "jsr:@me/jobs@1#send"],
  ["jsr: without export", "jsr:@me/jobs", "jsr:@me/jobs#default"],
  ["npm:", "npm:jobs#send", "npm:jobs#send"],
  ["https:", "https://x.example/a.ts#b", "https://x.example/a.ts#b"],
  [
    "an https: URL",
    new URL("https://x.example/a.ts?v=1#b"),
    "https://x.example/a.ts?v=1#b",
  ],
  [
    "a relative path",
    "./lib/base/date.ts#parseDate",
    "lib.base.date.parseDate",
  ],
];

Deno.test.each(NAMED)(
  "enqueue() stores %s relative to its project, and describes it so",
  async (_name, func, stored) => {
    await using desk = await Desk.open();
    const job = await desk.queue.enqueue(func as string, "yangyi");
    assertEquals(job.funcName, stored);
    assertEquals(job.description, `${stored}('yangyi')`);
    const record = await desk.bench.jobs.fetch(job.id);
    assertEquals(record?.call.funcName, stored);
  },
);

Deno.test("a module that no name can say is refused, and nothing is written", async () => {
  await using desk = await Desk.open();
  const folder = await Deno.makeTempDir();
  const before = await desk.bench.dump();
  try {
    await Deno.mkdir(`${folder}/in`);
    await Deno.writeTextFile(`${folder}/in/deno.json`, "{}");
    await Deno.writeTextFile(`${folder}/m.ts`, "export function f() {}");
    const url = new URL(`file://${folder}/m.ts#f`);
    const { f } = await import(url.href);
    const noProject =
      /^Cannot enqueue a function of file:.*m\.ts.*: no deno\.json is seen above it.*--allow-read.*enqueue\("jobs\.mail\.send", …\)$/;
    const noName = /can have no query and no "#"/;
    const refused: [FuncSource, RegExp][] = [
      [f, noProject],
      [url, noProject],
      [url.href, noProject],
      [`${folder}/m.ts#f`, noProject],
      [new URL(`file://${folder}/in/a%23b.ts#f`), noName],
      [`file://${folder}/in/a.ts?v=1#f`, noName],
    ];
    for (const [func, words] of refused) {
      const { message } = await assertRejects(
        () => desk.queue.enqueue(func),
        TypeError,
      );
      assertMatch(message, words);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  assertEquals(await desk.bench.dump(), before);
});

Deno.test("the names of a workspace's members are relative to its root", async () => {
  await using desk = await Desk.open();
  const folder = await Deno.makeTempDir();
  try {
    for (const member of ["a", "b"]) {
      await Deno.mkdir(`${folder}/${member}`);
      await Deno.writeTextFile(`${folder}/${member}/deno.json`, "{}");
    }
    const config = `{ "workspace": ["./a"] }`;
    await Deno.writeTextFile(`${folder}/deno.json`, config);
    const a = await desk.queue.enqueue(`${folder}/a/mod.ts#send`);
    const b = await desk.queue.enqueue(`${folder}/b/mod.ts#send`);
    assertEquals([a.funcName, b.funcName], ["a.mod.send", "mod.send"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a project may have a deno.jsonc too, and the nearest one counts", async () => {
  await using desk = await Desk.open();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/inner/jobs`, { recursive: true });
    await Deno.writeTextFile(`${folder}/deno.json`, "{}");
    await Deno.writeTextFile(`${folder}/inner/deno.jsonc`, "{}");
    const job = await desk.queue.enqueue(`${folder}/inner/jobs/m.ts#f`);
    assertEquals(job.funcName, "jobs.m.f");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const REFUSED: [string, unknown, RegExp][] = [
  ["a closure", closure(1), /no export of .*mail\.ts is this function/],
  ["a bound function", send.bind(null), /bound or built in/],
  ["a built-in function", Math.max, /bound or built in/],
  [
    "an unexported function",
    leak(),
    /no export of .*mail\.ts is this function/,
  ],
  [
    "a method of an instance",
    new Tools().use,
    /no export of .*mail\.ts is this function, or has it as a static method/,
  ],
  [
    "an inherited static method",
    Letters.seal,
    /no export of .*letters\.ts is this function/,
  ],
];

Deno.test.each(REFUSED)(
  "enqueue() refuses %s, names the two other ways and writes nothing",
  async (_name, func, words) => {
    await using desk = await Desk.open();
    const before = await desk.bench.dump();
    const error = await assertRejects(
      () => desk.queue.enqueue(func as () => void),
      TypeError,
    );
    assertMatch(error.message, /^Cannot enqueue /);
    assertMatch(error.message, words);
    assertMatch(error.message, /enqueue\("\.\/jobs\/mail\.ts#send", …\)/);
    assertMatch(error.message, /enqueue\("jobs\.mail\.send", …\)/);
    assertEquals(await desk.bench.dump(), before);
  },
);

const NO_FUNCTION: [string, unknown][] = [
  ["a number", 5],
  ["null", null],
  ["an object", {}],
  ["a single word", "hello"],
  ["the empty text", ""],
  ["a call", "jobs.send()"],
];

Deno.test.each(NO_FUNCTION)(
  "enqueue() refuses %s for a function and writes nothing",
  async (_name, func) => {
    await using desk = await Desk.open();
    const before = await desk.bench.dump();
    await assertRejects(() => desk.queue.enqueue(func as string), TypeError);
    assertEquals(await desk.bench.dump(), before);
  },
);

Deno.test("what is enqueued is as it was when it was handed over, also while its function is looked for", async () => {
  await using desk = await Desk.open();
  const mine = { n: 1 };
  const one = desk.queue.enqueue(arrow, mine as never);
  const many = desk.queue.enqueueMany([
    { func: leak as (mine: unknown) => unknown, args: [mine] },
    { func: "a.b", args: [mine] },
  ]);
  mine.n = 2;
  const jobs = [await one, ...await many];
  assertEquals(jobs.map(({ args }) => args), [[{ n: 1 }], [{ n: 1 }], [{
    n: 1,
  }]]);
});

Deno.test("an argument that is refused leaves no function that is looked for unheard", async () => {
  await using desk = await Desk.open();
  using lookups = new Lookups();
  const before = lookups.begun;
  await assertRejects(
    () =>
      desk.queue.enqueueMany([
        { func: () => undefined },
        { func: "a.b", args: [1n] },
      ]),
    TypeError,
  );
  // An error that nobody hears would end the test's process once the look-up is over.
  await waitFor(() => lookups.begun > before && lookups.open === 0);
  await turn();
  assertEquals(await desk.queue.count(), 0);
});

Deno.test("a function that was refused is looked for again, one that was found is not", async () => {
  await using desk = await Desk.open();
  using lookups = new Lookups();
  const refused = () => undefined;
  for (const begun of [1, 2]) {
    await assertRejects(() => desk.queue.enqueue(refused), TypeError);
    assertEquals(lookups.begun, begun);
  }
  for (let i = 0; i < 3; i++) await desk.queue.enqueue(nothing);
  assertEquals([lookups.begun, lookups.open], [3, 0]);
});

async function program(
  url: string,
  what: string,
  flags: string[],
): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-net",
      "--allow-env",
      ...flags,
      ...runFlags(),
      fileURLToPath(new URL("./fixtures/enqueue_main.ts", import.meta.url)),
      url,
      what,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

const PROGRAMS: [string, string, string[], RegExp][] = [
  [
    "with --allow-sys and --allow-read",
    "send",
    ["--allow-sys", "--allow-read"],
    /^enqueued jobs\.mail\.send$/m,
  ],
  [
    "without --allow-read",
    "send",
    ["--allow-sys"],
    /^TypeError: .*no deno\.json is seen above it.*--allow-read/m,
  ],
  [
    "without --allow-sys",
    "send",
    ["--allow-read"],
    /^TypeError: .*needs --allow-sys.*enqueue\("jobs\.mail\.send", …\)/m,
  ],
  [
    "that is in the main module",
    "own",
    ["--allow-sys", "--allow-read"],
    /^TypeError: .*main module.*enqueue\("\.\/jobs\/mail\.ts#send", …\)/m,
  ],
  ["by its dotted path, without any permission", "a.b", [], /^enqueued a\.b$/m],
];

Deno.test.each(PROGRAMS)(
  "a program enqueues a function %s",
  async (_name, what, flags, words) => {
    await using server = await RedisServer.start();
    assertMatch(await program(server.url, what, flags), words);
  },
);
