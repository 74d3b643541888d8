/** The table of the transitions that have to do with windows of rate limits, and conflicts; tests/store/transitions_test.ts explains and tries it. */

/** The key of the job's limit lets one job start within ten minutes; `a+held` is a job that its window counts. */
export const WINDOW_TABLE: string = `
                           | otherwise queued         popped   started  rq-started finished         failed           stopped          deferred scheduled canceled         created ready limited          gone

enqueue, in the window     | =         .              .        .        .          queued+held+slot queued+held+slot queued+held+slot .        .         queued+held+slot .       .     .                queued+held+slot
                           | duplicate .              .        .        .          queued           queued           queued           .        .         queued           .       .     .                queued
enqueue, window is full    | =         .              .        .        .          limited          limited          limited          .        .         limited          .       .     .                limited
                           | duplicate .              .        .        .          rate_limited     rate_limited     rate_limited     .        .         rate_limited     .       .     .                rate_limited
claim, let through         | =         started+slot   .        .        .          .                .                .                .        .         .                .       .     .                .
                           | empty     claimed        .        .        .          .                .                .                .        .         .                .       .     .                .
claim, in the window       | =         started        .        .        .          .                .                .                .        .         .                .       .     .                .
                           | empty     claimed        .        .        .          .                .                .                .        .         .                .       .     .                .
claim, window is full      | =         limited        .        .        .          .                .                .                .        .         .                .       .     .                .
                           | empty     over-its-limit .        .        .          .                .                .                .        .         .                .       .     .                .
cancel, let through        | canceled  .              .        .        .          .                .                .                .        .         =                .       .     .                =
                           | canceled  .              .        .        .          .                .                .                .        .         already          .       .     .                gone
look at the limit          | =         .              .        .        .          .                .                .                .        .         .                .       .     queued+held+slot .
                           | 0         .              .        .        .          .                .                .                .        .         .                .       .     1                .
look, window is full       | =         .              .        .        .          .                .                .                .        .         .                .       .     .                .
                           | 0         .              .        .        .          .                .                .                .        .         .                .       .     .                .
enqueue, it is skipped     | =         .              .        .        .          .                .                .                .        .         .                .       .     .                .
                           | duplicate .              .        .        .          parent           parent           parent           .        .         parent           .       .     .                parent
another one, keepLatest    | =         .              .        .        .          .                .                .                .        .         .                .       .     canceled         .
                           | queued    .              .        .        .          .                .                .                .        .         .                .       .     .                .
another one, cancelRunning | =         canceled       canceled canceled canceled   finished         failed           stopped          deferred scheduled canceled         created ready canceled         gone
                           | queued    .              .        .        .          .                .                .                .        .         .                .       .     .                .
look, it skips             | =         .              .        .        .          .                .                .                .        .         .                .       .     canceled         .
                           | 0         .              .        .        .          .                .                .                .        .         .                .       .     .                .
`;
