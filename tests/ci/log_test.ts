/** The stand-in of `@std/log`, and the package itself where it can be loaded. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as handlers from "@std/log/base-handler";
import * as levels from "@std/log/levels";
import * as loggers from "@std/log/logger";
import * as standIn from "../../.ci/npm/std_log.ts";

const imported = { ...handlers, ...levels, ...loggers };

for (
  const [from, module] of [["the stand-in", standIn], [
    "@std/log",
    imported,
  ]] as const
) {
  const std = module as unknown as typeof standIn;

  class Lines extends std.BaseHandler {
    readonly lines: string[] = [];

    override log(msg: string): void {
      this.lines.push(msg);
    }
  }

  Deno.test(`Logger of ${from} hands on what is important enough for it and its handler`, () => {
    const handler = new Lines("WARN");
    const logger = new std.Logger("rq", "INFO", { handlers: [handler] });
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");
    logger.critical("e");
    assertEquals(handler.lines, ["WARN c", "ERROR d", "CRITICAL e"]);
  });

  Deno.test(`Logger of ${from} calls a function for its message only if it is needed`, () => {
    const handler = new Lines("DEBUG");
    const logger = new std.Logger("rq", "INFO", { handlers: [handler] });
    let calls = 0;
    const message = () => `call ${++calls}`;
    assertEquals(logger.debug(message), undefined);
    assertEquals(logger.info(message), "call 1");
    assertEquals(handler.lines, ["INFO call 1"]);
  });

  Deno.test(`Logger of ${from} writes any value`, () => {
    const handler = new Lines("DEBUG");
    const logger = new std.Logger("rq", "DEBUG", { handlers: [handler] });
    logger.info(null);
    logger.info(1n);
    logger.info({ a: "b", c: { d: 1 } });
    logger.info(new Error("gone"));
    assertEquals(handler.lines.slice(0, 3), [
      "INFO null",
      "INFO 1",
      'INFO {"a":"b","c":{"d":1}}',
    ]);
    assertStringIncludes(handler.lines[3] ?? "", "Error: gone\n");
  });

  Deno.test(`a formatter of ${from} gets the whole record`, () => {
    const records: standIn.LogRecord[] = [];
    const formatter = (record: standIn.LogRecord) => {
      records.push(record);
      return record.msg;
    };
    const handler = new Lines("DEBUG", { formatter });
    new std.Logger("rq", "DEBUG", { handlers: [handler] }).warn("a", 1, 2);
    const [record] = records;
    assertEquals(record?.args, [1, 2]);
    assertEquals(record?.level, 30);
    assertEquals(record?.levelName, "WARN");
    assertEquals(record?.loggerName, "rq");
    assertEquals(record?.datetime instanceof Date, true);
  });

  Deno.test(`levels of ${from} are found by name and number`, () => {
    assertEquals(std.getLevelByName("ERROR"), 40);
    assertEquals(std.getLevelName(50), "CRITICAL");
    const unknown = "LOUD" as standIn.LevelName;
    assertThrows(() => std.getLevelByName(unknown), Error, "LOUD");
    const logger = new std.Logger("rq", "INFO");
    logger.levelName = "DEBUG";
    assertEquals(logger.level, 10);
    assertThrows(() => logger.level = 11 as standIn.LogLevel, TypeError);
  });
}
