/** Every transition in every state of a job: where the job is afterwards, and what the answer was. */

import { assert, assertEquals } from "@std/assert";
import {
  executionRecords,
  JOB,
  leftovers,
  lostExecution,
  setScene,
  stateOf,
  STATES,
} from "./job_states.ts";
import { lifeAfter, lifeOf, limitWait } from "./job_life.ts";
import { TRANSITIONS as PLAIN } from "./job_transitions.ts";
import { SCRIPTS } from "./lua.ts";
import { MORE_TABLES, MORE_TRANSITIONS } from "./more_transitions.ts";
import { Bench, echoing } from "./support.ts";
import type { Transition } from "./transition_calls.ts";
import { OF_NO_JOB } from "./of_no_job.ts";
import { type Cell, readTable, type Row } from "./transition_table.ts";

/**
 * The state machine as a table. A column is a state before (`job_states.ts` has how a job gets there), a row a transition
 * in some circumstances (`job_transitions.ts` does it). Each cell has two lines: the state after, `=` where nothing has
 * changed, and the answer, `-` where there is none. A cell of two dots is as the row's first one says.
 *
 * A state is the status in the job's hash and the one place that holds its id:
 *
 *     queued      on the queue's list                      canceled    in the canceled registry
 *     popped      `queued`, on the intermediate list       created     nowhere: RQ has stored it, and not enqueued
 *     started     a lease in the started registry (`wip`)  ready       in RQ's ready registry: about to be enqueued
 *     rq-started  the same, by a worker of RQ's            limited     among those that its rate limit holds back
 *     finished    in the finished registry                 gone        no hash, its id nowhere
 *     failed      in the failed registry
 *     stopped     in the failed registry, too              a+b         as `a`, and its id is in `b` as well
 *     deferred    in the deferred registry                 a@none      its status is `a`, its id is nowhere
 *     scheduled   in the scheduled registry                wip?        a lease that is not the job's any more
 *                                                          a+slot      as `a`, and it has a slot of its rate limit
 *                                                          a+key       as `a`, and the unique key names it
 *                                                          a+turn      as `a`, and it has the turn of its fair key
 *
 * Sent again after a lost reply, a call leaves the same state and answers the same; of those that report what they have
 * done, the second answer is that nothing was. A feature may have a table of its own, in a file of its own.
 */
const TABLE = `
                             | otherwise         queued        popped         started     rq-started  finished         failed         stopped      deferred         scheduled         canceled     created   ready         limited      gone

# producers, and whoever has an id
enqueue                      | =                 .             .              .           .           queued           queued         queued       .                .                 queued       .         .             .            queued
                             | duplicate         .             .              .           .           queued           queued         queued       .                .                 queued       .         .             .            queued
enqueue, a parent waits      | =                 .             .              .           .           deferred         deferred       deferred     .                .                 deferred     .         .             .            deferred
                             | duplicate         .             .              .           .           deferred         deferred       deferred     .                .                 deferred     .         .             .            deferred
enqueue, for later           | =                 .             .              .           .           scheduled        scheduled      scheduled    .                .                 scheduled    .         .             .            scheduled
                             | duplicate         .             .              .           .           scheduled        scheduled      scheduled    .                .                 scheduled    .         .             .            scheduled
create                       | =                 .             .              .           .           created          created        created      .                .                 created      .         .             .            created
                             | duplicate         .             .              .           .           created          created        created      .                .                 created      .         .             .            created
enqueue what was created     | =                 .             .              .           .           .                .              .            .                .                 .            queued    .             .            =
                             | not-created       .             .              .           .           .                .              .            .                .                 .            queued    .             .            gone
the same, a parent waits     | =                 .             .              .           .           .                .              .            .                .                 .            deferred  .             .            =
                             | not-created       .             .              .           .           .                .              .            .                .                 .            deferred  .             .            gone
the same, for later          | =                 .             .              .           .           .                .              .            .                .                 .            scheduled .             .            =
                             | not-created       .             .              .           .           .                .              .            .                .                 .            scheduled .             .            gone
cancel                       | canceled          .             .              .           .           .                .              .            .                .                 =            .         .             .            =
                             | canceled          .             .              .           .           .                .              .            .                .                 already      .         .             .            gone
a schedule replaces it       | canceled          .             .              .           .           =                =              =            .                .                 =            .         .             .            =
                             | enqueued+canceled .             .              .           .           enqueued         enqueued       enqueued     .                .                 enqueued     .         .             .            enqueued
cancel, has a webhook        | canceled          .             .              .           .           .                .              .            .                .                 =            .         .             .            =
                             | canceled          .             .              .           .           .                .              .            .                .                 already      .         .             .            gone
delete                       | gone              .             .              .           .           .                .              .            .                .                 .            .         .             .            =
                             | deleted           .             .              .           .           .                .              .            .                .                 .            .         .             .            gone
requeue                      | =                 .             .              .           .           .                queued         queued       .                .                 .            .         .             .            =
                             | not-failed        .             .              .           .           .                requeued       requeued     .                .                 .            .         .             .            gone
# as in RQ: the job stays, and nobody will run it
take off the queue           | =                 queued@none   .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | not-there         removed       .              .           .           .                .              .            .                .                 .            .         .             .            .
empty the queue              | =                 gone          .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | 0                 1             .              .           .           .                .              .            .                .                 .            .         .             .            .
# what a queue is deleted by after it was emptied, unless that was not wanted: again as in RQ
delete the queue             | =                 queued@none   .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | -                 -             .              .           .           .                .              .            .                .                 .            .         .             .            .
write fields                 | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            =
                             | written           .             .              .           .           .                .              .            .                .                 .            .         .             .            gone
wait for it                  | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            =
                             | there             .             .              .           .           .                .              .            .                .                 .            .         .             .            gone

# workers: taking jobs, and holding them
claim                        | =                 started       .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | empty             claimed       .              .           .           .                .              .            .                .                 .            .         .             .            .
# as in RQ, which runs it and leaves it in the registry as well; these drop it once its time is over or its status is seen
claim, its id pushed by hand | =                 started+queue started+popped started     rq-started  started+finished started+failed stopped      started+deferred started+scheduled canceled     started   started+ready limited      gone
                             | claimed           claimed       claimed        running     running     claimed          claimed        stopped      claimed          claimed           canceled     claimed   claimed       rate_limited gone
# an id without a hash is dropped by whoever meets it
claim, its hash expired      | =                 gone          .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | empty             gone          .              .           .           .                .              .            .                .                 .            .         .             .            .
claim what was popped        | =                 started       started        .           .           .                .              .            .                .                 .            .         .             .            .
                             | empty             claimed       claimed        .           .           .                .              .            .                .                 .            .         .             .            .
claim, suspended             | =                 .             queued         .           .           .                .              .            .                .                 .            .         .             .            .
                             | suspended         .             suspended      .           .           .                .              .            .                .                 .            .         .             .            .
give back what was popped    | =                 .             queued         .           .           .                .              .            .                .                 .            .         .             .            .
                             | -                 .             -              .           .           .                .              .            .                .                 .            .         .             .            .
heartbeat                    | =                 .             .              =           .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              ok          .           .                .              .            .                .                 .            .         .             .            .
heartbeat, lease lost        | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              .           .           .                .              .            .                .                 .            .         .             .            .
record                       | =                 .             .              =           .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              written     .           .                .              .            .                .                 .            .         .             .            .
record, lease lost           | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              .           .           .                .              .            .                .                 .            .         .             .            .

# workers: how an execution ended
finish                       | =                 .             .              finished    .           =                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
finish, had no heartbeat     | =                 .             .              finished    .           =                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
finish, not kept             | =                 .             .              gone        .           =                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
finish, lease lost           | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              .           .           .                .              .            .                .                 .            .         .             .            .
finish, its hash expired     | =                 .             .              gone        .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              gone        .           .                .              .            .                .                 .            .         .             .            .
finish, a repeat is left     | =                 .             .              queued      .           =                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
finish, a repeat later       | =                 .             .              scheduled   .           =                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
finish, repeat, not kept     | =                 .             .              queued      .           =                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
finish, has a callback       | =                 .             .              finished    .           =                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
fail                         | =                 .             .              failed      .           .                =              .            .                =                 .            .         .             .            .
                             | lost              .             .              failed      .           .                failed         .            .                scheduled         .            .         .             .            .
fail, not kept               | =                 .             .              gone        .           .                =              .            .                =                 .            .         .             .            .
                             | lost              .             .              failed      .           .                failed         .            .                scheduled         .            .         .             .            .
fail, has a callback         | =                 .             .              failed      .           .                =              .            .                =                 .            .         .             .            .
                             | lost              .             .              failed      .           .                failed         .            .                scheduled         .            .         .             .            .
fail, a retry is left        | =                 .             .              queued      .           .                =              .            .                =                 .            .         .             .            .
                             | lost              .             .              retried     .           .                failed         .            .                scheduled         .            .         .             .            .
fail, a retry later is left  | =                 .             .              scheduled   .           .                =              .            .                =                 .            .         .             .            .
                             | lost              .             .              scheduled   .           .                failed         .            .                scheduled         .            .         .             .            .
fail, it asks for a retry    | =                 .             .              queued      .           .                =              .            .                =                 .            .         .             .            .
                             | lost              .             .              retried     .           .                failed         .            .                scheduled         .            .         .             .            .
fail, never to be retried    | =                 .             .              failed      .           .                =              .            .                =                 .            .         .             .            .
                             | lost              .             .              failed      .           .                failed         .            .                scheduled         .            .         .             .            .
stop                         | =                 .             .              stopped     .           .                .              =            .                .                 .            .         .             .            .
                             | lost              .             .              stopped     .           .                .              stopped      .                .                 .            .         .             .            .
stop, has a callback         | =                 .             .              stopped     .           .                .              =            .                .                 .            .         .             .            .
                             | lost              .             .              stopped     .           .                .              stopped      .                .                 .            .         .             .            .
stop, not kept               | =                 .             .              gone        .           .                .              =            .                .                 .            .         .             .            .
                             | lost              .             .              stopped     .           .                .              stopped      .                .                 .            .         .             .            .
put back                     | =                 .             .              queued      .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              requeued    .           .                .              .            .                .                 .            .         .             .            .
return, not begun            | =                 .             .              queued      .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              released    .           .                .              .            .                .                 .            .         .             .            .

# the sweep
recover                      | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
recover, lease ran out       | =                 .             .              queued      queued      .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              requeued    requeued    .                .              .            .                .                 .            .         .             .            .
recover, for the 4th time    | =                 .             .              failed      failed      .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              failed      failed      .                .              .            .                .                 .            .         .             .            .
recover, popped long ago     | =                 .             queued         .           .           .                .              .            .                .                 .            .         .             .            .
                             | -                 .             requeued       .           .           .                .              .            .                .                 .            .         .             .            .
recover, worker died         | =                 .             .              queued      queued      .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              requeued    requeued    .                .              .            .                .                 .            .         .             .            .
drop what has expired        | =                 .             .              .           .           gone             gone           gone         .                .                 gone         .         .             .            .
                             | 0                 .             .              .           .           1                1              1            .                .                 1            .         .             .            .
# an id on the queue is dropped by a claim, one in the registry of the finished or failed when its time is over
sweep, its hash expired      | =                 .             gone           gone        gone        .                .              .            gone             gone              gone         .         .             .            .
                             | -                 .             -              -           -           .                .              .            -                -                 -            .         .             .            .
promote scheduled            | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | 0                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
promote scheduled, due       | =                 .             .              .           .           .                .              .            .                queued            .            .         .             .            .
                             | 0                 .             .              .           .           .                .              .            .                1                 .            .         .             .            .
promote scheduled, a stray   | =                 queued        popped         started     rq-started  finished         failed         stopped      deferred         queued            canceled     created   ready         limited      gone
                             | 0                 0             0              0           0           0                0              0            0                1                 0            0         0             0            0
promote deferred             | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | 0                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
promote deferred, due        | =                 .             .              .           .           .                .              .            queued           .                 .            .         .             .            .
                             | 0                 .             .              .           .           .                .              .            1                .                 .            .         .             .            .

# the end of a job that it waits for
its parent finishes          | =                 .             .              .           .           .                .              .            queued           .                 .            .         .             .            .
                             | finished          .             .              .           .           .                .              .            finished         .                 .            .         .             .            .
its parent fails             | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | failed            .             .              .           .           .                .              .            .                .                 .            .         .             .            .
its parent fails, allowed    | =                 .             .              .           .           .                .              .            queued           .                 .            .         .             .            .
                             | failed            .             .              .           .           .                .              .            failed           .                 .            .         .             .            .
its parent is stopped        | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | stopped           .             .              .           .           .                .              .            .                .                 .            .         .             .            .
its parent is canceled       | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
its parent is deleted        | =                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
go on releasing it           | =                 .             .              .           .           .                .              .            queued           .                 .            .         .             .            .
                             | 1                 .             .              .           .           .                .              .            1                .                 .            .         .             .            .

# rate limits; a row whose name ends with "has a slot" begins with that
enqueue, rate limited        | =                 .             .              .           .           queued+slot      queued+slot    queued+slot  .                .                 queued+slot  .         .             .            queued+slot
                             | duplicate         .             .              .           .           queued           queued         queued       .                .                 queued       .         .             .            queued
enqueue, no slot is free     | =                 .             .              .           .           limited          limited        limited      .                .                 limited      .         .             .            limited
                             | duplicate         .             .              .           .           rate_limited     rate_limited   rate_limited .                .                 rate_limited .         .             .            rate_limited
enqueue, limited and late    | =                 .             .              .           .           scheduled        scheduled      scheduled    .                .                 scheduled    .         .             .            scheduled
                             | duplicate         .             .              .           .           scheduled        scheduled      scheduled    .                .                 scheduled    .         .             .            scheduled
cancel, has a slot           | canceled          .             .              .           .           .                .              .            .                .                 =            .         .             .            =
                             | canceled          .             .              .           .           .                .              .            .                .                 already      .         .             .            gone
delete, has a slot           | gone              .             .              .           .           .                .              .            .                .                 .            .         .             .            =
                             | deleted           .             .              .           .           .                .              .            .                .                 .            .         .             .            gone
requeue, rate limited        | =                 .             .              .           .           .                queued+slot    queued+slot  .                .                 .            .         .             .            .
                             | not-failed        .             .              .           .           .                requeued       requeued     .                .                 .            .         .             .            gone
requeue, no slot is free     | =                 .             .              .           .           .                limited        limited      .                .                 .            .         .             .            .
                             | not-failed        .             .              .           .           .                requeued       requeued     .                .                 .            .         .             .            gone
empty the queue, has a slot  | =                 gone          .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | 0                 1             .              .           .           .                .              .            .                .                 .            .         .             .            .
claim, has a slot            | =                 started+slot  .              .           .           .                .              .            .                .                 .            .         .             .            .
                             | empty             claimed       .              .           .           .                .              .            .                .                 .            .         .             .            .
finish, has a slot           | =                 .             .              finished    .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              finished    .           finished         .              .            .                .                 .            .         .             .            .
fail, has a slot             | =                 .             .              failed      .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              failed      .           .                failed         .            .                scheduled         .            .         .             .            .
fail, keeps its slot         | =                 .             .              queued+slot .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              retried     .           .                failed         .            .                scheduled         .            .         .             .            .
fail, slot given back        | =                 .             .              scheduled   .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              scheduled   .           .                failed         .            .                scheduled         .            .         .             .            .
stop, has a slot             | =                 .             .              stopped     .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              stopped     .           .                .              stopped      .                .                 .            .         .             .            .
put back, has a slot         | =                 .             .              queued+slot .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              requeued    .           .                .              .            .                .                 .            .         .             .            .
release, has a slot          | =                 .             .              queued+slot .           .                .              .            .                .                 .            .         .             .            .
                             | lost              .             .              released    .           .                .              .            .                .                 .            .         .             .            .
recover, has a slot          | =                 .             .              queued+slot queued+slot .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              requeued    requeued    .                .              .            .                .                 .            .         .             .            .
recover, 4th time, slot      | =                 .             .              failed      failed      .                .              .            .                .                 .            .         .             .            .
                             | -                 .             .              failed      failed      .                .              .            .                .                 .            .         .             .            .
promote scheduled, limited   | =                 .             .              .           .           .                .              .            .                queued+slot       .            .         .             .            .
                             | 0                 .             .              .           .           .                .              .            .                1                 .            .         .             .            .
promote scheduled, no slot   | =                 .             .              .           .           .                .              .            .                limited           .            .         .             .            .
                             | 0                 .             .              .           .           .                .              .            .                1                 .            .         .             .            .
its parent ends, limited     | =                 .             .              .           .           .                .              .            queued+slot      .                 .            .         .             .            .
                             | finished          .             .              .           .           .                .              .            .                .                 .            .         .             .            .
its parent ends, no slot     | =                 .             .              .           .           .                .              .            limited          .                 .            .         .             .            .
                             | finished          .             .              .           .           .                .              .            .                .                 .            .         .             .            .
promote ready                | =                 .             .              .           .           .                .              .            .                .                 .            .         queued        .            .
                             | 0                 .             .              .           .           .                .              .            .                .                 .            .         1             .            .
promote ready, no slot       | =                 .             .              .           .           .                .              .            .                .                 .            .         limited       .            .
                             | 0                 .             .              .           .           .                .              .            .                .                 .            .         1             .            .
a slot is freed              | =                 .             .              .           .           .                .              .            queued           .                 .            .         .             queued+slot  .
                             | finished          .             .              .           .           .                .              .            .                .                 .            .         .             .            .
clean the limit              | =                 .             .              .           .           .                .              .            .                .                 .            .         .             queued+slot  .
                             | 0                 .             .              .           .           .                .              .            .                .                 .            .         .             .            .
clean the limit, has a slot  | =                 .             .              .           .           finished         failed         stopped      deferred         scheduled         canceled     created   ready         queued+slot  gone
                             | 1                 0             0              0           0           .                .              .            .                .                 .            .         .             .            .
`;

const TRANSITIONS: Readonly<Record<string, Transition>> = {
  ...PLAIN,
  ...MORE_TRANSITIONS,
};

const ROWS: readonly Row[] = [TABLE, ...MORE_TABLES].flatMap(readTable);

Deno.test("the table has a column for every state and a row for every transition", () => {
  for (const [name] of ROWS) transitionOf(name);
  assertEquals(ROWS.map(([name]) => name), Object.keys(TRANSITIONS));
  const columns = ROWS.map(([, cells]) => cells.map(({ before }) => before));
  for (const names of columns) assertEquals(names, Object.keys(STATES));
});

for (const [name, cells] of ROWS) {
  Deno.test(`${name}: one place and one answer for a job in each state`, async (t) => {
    await using bench = await Bench.open();
    for (const cell of cells) {
      const { before, after, answer } = cell;
      await t.step(`${before} → ${after} | ${answer}`, async () => {
        await check(bench, name, cell, false);
        await check(bench, name, cell, true);
      });
    }
  });
}

/** The texts of the scripts that each row has called. */
const called = new Map<string, Set<string>>();

Deno.test("every script that changes a job is called by a row of the table", async () => {
  await using bench = await Bench.open();
  for (const [name, cells] of ROWS) { // those that were not asked for
    if (called.has(name)) continue;
    for (const cell of cells) await check(bench, name, cell, true);
  }
  const texts = new Set([...called.values()].flatMap((some) => [...some]));
  const others = SCRIPTS.filter(({ script }) => !texts.has(script.lua));
  const missing = others.map(({ name }) => name)
    .filter((name) => !OF_NO_JOB.includes(name));
  assertEquals(
    missing,
    [],
    "no row calls them; see “Adding a transition” in .github/ARCHITECTURE.md",
  );
  assertEquals(others.length, OF_NO_JOB.length, "a row calls one of no job");
});

/** Rows that write into the hash of a job that stays where it is, whatever they answer. */
const WRITE_ANYWAY: ReadonlySet<string> = new Set([
  "write fields",
  "wait for it",
  "heartbeat",
  "record",
  "log",
  "keep a step",
  "yield parts",
  "look at a sleep",
  "signal",
  "signal, it waits for it",
  "signal, before a retry",
  "ask to stop",
  "heartbeat, asked to stop",
  "look at its group",
  "delete its group",
  "patch its meta",
  "it patches its meta",
]);

/** Tries one cell on an empty Redis; with every call of the transition sent twice, as after a lost reply, or not. */
async function check(
  bench: Bench,
  name: string,
  { before, after, answer }: Cell,
  twice: boolean,
): Promise<void> {
  const { prepare, run, reports = false } = transitionOf(name);
  const scripts = called.get(name) ?? new Set();
  called.set(name, scripts);
  const client = twice
    ? echoing(bench.client, (_reply, _time, script = "") => {
      scripts.add(script);
    })
    : bench.client;
  const scene = await setScene(bench, client);
  const execution = await STATES[before].make(scene) ?? lostExecution();
  assertEquals(await stateOf(bench), before, "the state before");
  await prepare?.({ ...scene, execution });
  const prepared = await stateOf(bench);
  await limitWait(bench);
  const lived = await lifeOf(bench);
  const hash = await hashOf(bench);
  const answered = await run({ ...scene, execution });
  const what = twice ? "sent twice" : "sent once";
  const expected = after === "=" ? prepared : after;
  assertEquals(await stateOf(bench), expected, `the state after, ${what}`);
  if (!twice || !reports) assertEquals(answered, answer, `the answer, ${what}`);
  if (after === "=" && !WRITE_ANYWAY.has(name)) {
    assertEquals(await hashOf(bench), hash, `the hash, ${what}`);
  }
  const life = after === "=" ? lived : lifeAfter(lived, prepared, expected);
  assertEquals(await lifeOf(bench), life, `its time to live, ${what}`);
  const hasLeft = /started/.test(before) && !/started|=/.test(after);
  if (hasLeft && !prepared.startsWith("gone")) {
    assertEquals(await executionRecords(bench), [], `the records, ${what}`);
  }
  if (after === "gone" && !prepared.startsWith("gone")) {
    assertEquals(await leftovers(scene), [], `what is left, ${what}`);
  }
}

async function hashOf(bench: Bench): Promise<string> {
  return `${await bench.send("HGETALL", bench.keys.job(JOB))}`;
}

function transitionOf(name: string): Transition {
  const transition = TRANSITIONS[name];
  assert(transition, `no call "${name}" in job_transitions.ts`);
  return transition;
}
