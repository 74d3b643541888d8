/** Schedules that the tests of workers declare. */

import { cron } from "../../../mod.ts";
import { add, note } from "./jobs.ts";

const ledger = Deno.env.get("LEDGER");

cron("adds", { every: "1h" }, { func: add, args: [1, 2], queue: "low" });
if (ledger !== undefined) {
  cron("ticks", "* * * * * *", {
    func: note,
    args: [ledger, "tick"],
    queue: "low",
    missed: "all",
    timeZone: "Europe/Berlin",
  });
}
