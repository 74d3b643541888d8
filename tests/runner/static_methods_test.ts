/** Static methods as jobs: `classes.Mailer.send` is the method `send` of the class `Mailer` of `classes.ts`. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { eachWay, eachWayOf } from "./support.ts";

eachWay(
  "calls static methods of classes and objects, with their this",
  async (create) => {
    await using t = await create();
    for (const ref of ["classes.Mailer.send", "classes.ts#Mailer.send"]) {
      const sent = String(await t.result(ref, ["a"]));
      assertEquals(sent.replace(/\d+/, "n"), "Mailer sends n to a");
    }
    assertEquals(await t.result("classes.tools.double", [21]), 42);
  },
);

eachWayOf([
  { ref: "classes.Mailer.constructor", says: "no class or object with" },
  { ref: "classes.Mailer.inherited", says: "no class or object with" },
  { ref: "classes.Mailer.toString", says: "no class or object with" },
  { ref: "classes.Mailer.__proto__", says: "no class or object with" },
  { ref: "classes.Mailer.missing", says: '"Mailer" is no class or object' },
  { ref: "classes.Mailer.prototype", says: "it is an object, not a function" },
  { ref: "classes.ts#Mailer.prototype.ofInstance", says: "Cannot find export" },
  { ref: "classes.mailer.ofInstance", says: '"mailer" is no class or object' },
  { ref: "classes.tools.count", says: "it is a number, not a function" },
  { ref: "classes.tools.hasOwnProperty", says: "no class or object with" },
  { ref: "classes.plainly.call", says: '"plainly" is no class or object' },
  { ref: "classes.plainly.attached", says: '"plainly" is no class or object' },
  { ref: "classes.Nobody.send", says: 'Cannot find export "Nobody"' },
  { ref: "classes.constructor.constructor", says: "Cannot find export" },
  { ref: "classes.ts#__proto__.send", says: "Cannot find export" },
  { ref: "classes.ts#.send", says: "Cannot find export" },
])("does not call $ref", async (create, { ref, says }) => {
  await using t = await create({ prewarm: 0 });
  const failure = await t.failure(ref);
  const isThere = says.endsWith("not a function");
  assertEquals(failure.reason, isThere ? "load" : "missing");
  assertStringIncludes(failure.message, says);
});

eachWay(
  "names the functions that a static method enqueues, whatever it was named by",
  async (create) => {
    await using t = await create();
    const named: Record<string, string[]> = {
      "classes.Mailer.follow": ["classes.Mailer.send", "classes.plainly"],
      "classes.ts#Mailer.follow": [
        "classes.ts#Mailer.send",
        "classes.ts#plainly",
      ],
    };
    for (const [ref, expected] of Object.entries(named)) {
      t.calls.length = 0;
      await t.result(ref);
      const funcs = t.calls.map((call) =>
        (call as [string, { func: string }])[1]
      );
      assertEquals(funcs.map(({ func }) => func), expected);
    }
  },
);
