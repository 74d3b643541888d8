import { assertEquals } from "@std/assert";
import { makeLogger } from "../../lib/cli/log.ts";
import { SILENT, steady } from "../../lib/worker/log.ts";
import { checkSettings } from "../../lib/worker/check_settings.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;

Deno.test("a log that throws, rejects or lacks a level is no trouble of whoever logs", async () => {
  const logs = [
    {
      ...SILENT,
      info: () => {
        throw new Error("the disk is full");
      },
    },
    { ...SILENT, warn: () => Promise.reject(new Error("broken pipe")) },
    { ...SILENT, error: undefined as unknown as () => void },
  ];
  for (const log of logs) {
    for (const level of LEVELS) steady(log, "w1")[level]("text");
  }
  await new Promise((go) => setTimeout(go));
});

Deno.test("a log is called as what it is, with the text, at its level", () => {
  class Log {
    readonly lines: string[] = [];
    debug(text: string) {
      this.lines.push(`debug ${text}`);
    }
    info(text: string) {
      this.lines.push(`info ${text}`);
    }
    warn(text: string) {
      this.lines.push(`warn ${text}`);
    }
    error(text: string) {
      this.lines.push(`error ${text}`);
    }
  }
  const log = new Log();
  for (const level of LEVELS) steady(log, "w1")[level]("x");
  assertEquals(log.lines, LEVELS.map((level) => `${level} x`));
});

Deno.test("whatever log a worker is given is made steady", () => {
  const log = {
    ...SILENT,
    info: () => {
      throw new Error("the disk is full");
    },
  };
  checkSettings("low", { log }).log.info("text");
});

Deno.test("a log tells which levels it takes; one that does not takes all", () => {
  const { takes: _, ...mute } = SILENT;
  const broken = {
    ...mute,
    takes: () => {
      throw new Error("it does not know");
    },
  };
  for (
    const [log, levels] of [
      [makeLogger("WARN", "text"), ["warn", "error"]],
      [SILENT, []],
      [mute, LEVELS],
      [broken, LEVELS],
    ] as const
  ) assertEquals(LEVELS.filter(steady(log, "w1").takes), [...levels]);
});
