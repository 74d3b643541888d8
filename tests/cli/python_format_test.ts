import { assertEquals } from "@std/assert";
import { pythonLines } from "../../lib/cli/python_format.ts";
import { findPythonRq } from "../support/python.ts";
import { testUnless } from "../support/skip.ts";

const RECORD = {
  date: new Date(2027, 2, 5, 15, 4, 9, 120),
  level: "WARN",
  logger: "rq.worker",
  message: "it's 100%",
};

Deno.test.each([
  ["%(message)s", "it's 100%"],
  ["%(asctime)s %(name)s %(message)s", "15:04:09 rq.worker it's 100%"],
  ["[%(levelname)-9s]%(levelno)05d%%", "[WARNING  ]00030%"],
  ["%(levelname)9s %(lineno)d.", "  WARNING ."],
  ["%(process)d %(processName)s", `${Deno.pid} MainProcess`],
  ["no field %", "no field %"],
])("the line of %j is as Python's", (format, line) => {
  assertEquals(pythonLines(format)(RECORD), line);
});

const DIRECTIVES = "%Y %y %m %d %H %I %M %S %p %a %A %b %B %j %z %F %T %% %Q";

const found = await findPythonRq({
  variables: ["RQ_PYTHON"],
  accepts: () => true,
});

testUnless(
  "reason" in found ? found.reason : undefined,
  "dates are as Python's strftime writes them",
  async () => {
    if (!("python" in found)) throw new Error("unreachable");
    for (const month of [0, 1, 6, 11]) {
      for (const hour of [0, 9, 12, 23]) {
        const date = new Date(2027, month, 28, hour, 4, 9);
        const format = DIRECTIVES.replace(" %Q", "");
        const program = "import sys, time\n" +
          "print(time.strftime(sys.argv[1], time.localtime(int(sys.argv[2]))))";
        const { stdout } = await new Deno.Command(found.python, {
          args: ["-c", program, format, String(date.getTime() / 1_000)],
          env: { LC_ALL: "C" },
        }).output();
        const line = pythonLines("%(asctime)s", DIRECTIVES);
        assertEquals(
          line({ ...RECORD, date }),
          `${new TextDecoder().decode(stdout).trimEnd()} %Q`,
        );
      }
    }
  },
);
