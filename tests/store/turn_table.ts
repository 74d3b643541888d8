/** The table of the transitions that have to do with fair keys; tests/store/transitions_test.ts explains and tries it. */

/** A row whose name ends with "has the turn" begins with that. */
export const TURN_TABLE: string = `
                             | otherwise  queued      popped started     rq-started finished     failed       stopped      deferred    scheduled   canceled     created ready limited           gone

enqueue, fair key            | =          .           .      .           .          queued+turn  queued+turn  queued+turn  .           .           queued+turn  .       .     .                 queued+turn
                             | duplicate  .           .      .           .          queued       queued       queued       .           .           queued       .       .     .                 queued
enqueue, not its turn        | =          .           .      .           .          limited      limited      limited      .           .           limited      .       .     .                 limited
                             | duplicate  .           .      .           .          rate_limited rate_limited rate_limited .           .           rate_limited .       .     .                 rate_limited
enqueue, fair and late       | =          .           .      .           .          scheduled    scheduled    scheduled    .           .           scheduled    .       .     .                 scheduled
                             | duplicate  .           .      .           .          scheduled    scheduled    scheduled    .           .           scheduled    .       .     .                 scheduled
cancel, has the turn         | canceled   .           .      .           .          .            .            .            .           .           =            .       .     .                 =
                             | canceled   .           .      .           .          .            .            .            .           .           already      .       .     .                 gone
cancel, waits for its turn   | canceled   .           .      .           .          .            .            .            .           .           =            .       .     .                 =
                             | canceled   .           .      .           .          .            .            .            .           .           already      .       .     .                 gone
delete, has the turn         | gone       .           .      .           .          .            .            .            .           .           .            .       .     .                 =
                             | deleted    .           .      .           .          .            .            .            .           .           .            .       .     .                 gone
delete, waits for its turn   | gone       .           .      .           .          .            .            .            .           .           .            .       .     .                 =
                             | deleted    .           .      .           .          .            .            .            .           .           .            .       .     .                 gone
requeue, fair key            | =          .           .      .           .          .            queued+turn  queued+turn  .           .           .            .       .     .                 =
                             | not-failed .           .      .           .          .            requeued     requeued     .           .           .            .       .     .                 gone
requeue, not its turn        | =          .           .      .           .          .            limited      limited      .           .           .            .       .     .                 =
                             | not-failed .           .      .           .          .            requeued     requeued     .           .           .            .       .     .                 gone
take off, has the turn       | =          queued@none .      .           .          .            .            .            .           .           .            .       .     rate_limited@turn .
                             | not-there  removed     .      .           .          .            .            .            .           .           .            .       .     removed           .
take off, waits for its turn | =          queued@none .      .           .          .            .            .            .           .           .            .       .     rate_limited@none .
                             | not-there  removed     .      .           .          .            .            .            .           .           .            .       .     removed           .
empty the queue, fair key    | =          gone        .      .           .          .            .            .            .           .           .            .       .     gone              .
                             | 0          1           .      .           .          .            .            .            .           .           .            .       .     1                 .
delete the queue, fair key   | =          queued@none .      .           .          .            .            .            .           .           .            .       .     rate_limited@none .
                             | -          -           .      .           .          .            .            .            .           .           .            .       .     -                 .
claim, has the turn          | =          started     .      .           .          .            .            .            .           .           .            .       .     .                 .
                             | empty      claimed     .      .           .          .            .            .            .           .           .            .       .     .                 .
finish, fair key             | =          .           .      finished    .          =            .            .            .           .           .            .       .     .                 .
                             | lost       .           .      finished    .          finished     .            .            .           .           .            .       .     .                 .
fail, fair key               | =          .           .      queued+turn .          .            =            .            .           =           .            .       .     .                 .
                             | lost       .           .      retried     .          .            failed       .            .           scheduled   .            .       .     .                 .
fail, not its turn           | =          .           .      limited     .          .            =            .            .           =           .            .       .     .                 .
                             | lost       .           .      retried     .          .            failed       .            .           scheduled   .            .       .     .                 .
put back, fair key           | =          .           .      queued      .          .            .            .            .           .           .            .       .     .                 .
                             | lost       .           .      requeued    .          .            .            .            .           .           .            .       .     .                 .
recover, fair key            | =          .           .      queued      queued     .            .            .            .           .           .            .       .     .                 .
                             | -          .           .      requeued    requeued   .            .            .            .           .           .            .       .     .                 .
promote scheduled, fair key  | =          .           .      .           .          .            .            .            .           queued+turn .            .       .     .                 .
                             | 0          .           .      .           .          .            .            .            .           1           .            .       .     .                 .
promote scheduled, no turn   | =          .           .      .           .          .            .            .            .           limited     .            .       .     .                 .
                             | 0          .           .      .           .          .            .            .            .           1           .            .       .     .                 .
its parent ends, fair key    | =          .           .      .           .          .            .            .            queued+turn .           .            .       .     .                 .
                             | finished   .           .      .           .          .            .            .            finished    .           .            .       .     .                 .
its parent ends, no turn     | =          .           .      .           .          .            .            .            limited     .           .            .       .     .                 .
                             | finished   .           .      .           .          .            .            .            finished    .           .            .       .     .                 .
pass turns                   | =          .           .      .           .          .            .            .            .           .           .            .       .     queued+turn       .
                             | 0          .           .      .           .          .            .            .            .           .           .            .       .     1                 .
pass turns, has the turn     | =          .           .      started     rq-started finished     failed       stopped      deferred    scheduled   canceled     created ready queued+turn       gone
                             | 0          .           .      0           0          0            0            0            0           0           0            0       0     1                 0
`;
