/** The table of the transitions that have to do with unique keys; tests/store/transitions_test.ts explains and tries it. */

/** The key is held until the job has ended, unless the row says other. */
export const UNIQUE_TABLE: string = `
                             | otherwise  queued        popped        started       rq-started finished   failed     stopped    deferred     scheduled     canceled   created       ready         limited       gone

enqueue, its key is free     | =          .             .             .             .          queued+key queued+key queued+key .            .             queued+key .             .             .             queued+key
                             | duplicate  .             .             .             .          queued     queued     queued     .            .             queued     .             .             .             queued
enqueue, its key is taken    | =          .             .             .             .          .          .          .          .            .             .          .             .             .             .
                             | held       .             .             .             .          .          .          .          .            .             .          .             .             .             .
enqueue, skip if taken       | =          .             .             .             .          .          .          .          .            .             .          .             .             .             .
                             | other      .             .             .             .          .          .          .          .            .             .          .             .             .             .
another one, error if taken  | =          .             .             .             .          finished   failed     stopped    .            .             canceled   .             .             .             .
                             | held       .             .             .             .          queued     queued     queued     .            .             queued     .             .             .             queued
another one, until started   | =          .             .             started       rq-started finished   failed     stopped    .            scheduled     canceled   .             .             .             .
                             | queued     the-job       the-job       .             .          .          .          .          the-job      .             .          the-job       the-job       the-job       .
another one replaces it      | =          gone          gone          started       rq-started finished   failed     stopped    gone         gone          canceled   gone          gone          gone          .
                             | queued     .             .             .             .          .          .          .          .            .             .          .             .             .             .
another one puts it off      | =          scheduled+key scheduled+key started       rq-started finished   failed     stopped    deferred+key scheduled+key canceled   scheduled+key scheduled+key scheduled+key .
                             | the-job    .             .             scheduled     scheduled  scheduled  scheduled  scheduled  .            .             scheduled  .             .             .             scheduled
cancel, has its key          | =          canceled      canceled      canceled      canceled   canceled   canceled   canceled   canceled     canceled      .          canceled      canceled      canceled      .
                             | canceled   .             .             .             .          .          .          .          .            .             already    .             .             .             gone
delete, has its key          | =          gone          gone          gone          gone       gone       gone       gone       gone         gone          gone       gone          gone          gone          .
                             | deleted    .             .             .             .          .          .          .          .            .             .          .             .             .             gone
requeue, its key is free     | =          .             .             .             .          .          queued+key queued+key .            .             .          .             .             .             .
                             | not-failed .             .             .             .          .          requeued   requeued   .            .             .          .             .             .             gone
requeue, its key is taken    | =          .             .             .             .          .          .          .          .            .             .          .             .             .             .
                             | not-failed .             .             .             .          .          other      other      .            .             .          .             .             .             gone
empty the queue, has its key | =          gone          .             .             .          .          .          .          .            .             .          .             .             .             .
                             | 0          1             .             .             .          .          .          .          .            .             .          .             .             .             .
free its key by hand         | =          queued        popped        started       rq-started finished   failed     stopped    deferred     scheduled     canceled   created       ready         limited       .
                             | true       .             .             .             .          false      false      false      .            .             false      .             .             .             false
claim, has its key           | =          started+key   .             .             .          .          .          .          .            .             .          .             .             .             .
                             | empty      claimed       .             .             .          .          .          .          .            .             .          .             .             .             .
finish, has its key          | =          .             .             finished      .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             finished      .          finished   .          .          .            .             .          .             .             .             .
finish, keeps its key        | =          .             .             queued+key    .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             finished      .          finished   .          .          .            .             .          .             .             .             .
finish, not kept, has a key  | =          .             .             gone          .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             finished      .          finished   .          .          .            .             .          .             .             .             .
fail, has its key            | =          .             .             failed        .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             failed        .          .          failed     .          .            scheduled     .          .             .             .             .
fail, keeps its key          | =          .             .             queued+key    .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             retried       .          .          failed     .          .            scheduled     .          .             .             .             .
fail, key kept for later     | =          .             .             scheduled+key .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             scheduled     .          .          failed     .          .            scheduled     .          .             .             .             .
stop, has its key            | =          .             .             stopped       .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             stopped       .          .          .          stopped    .            .             .          .             .             .             .
put back, has its key        | =          .             .             queued+key    .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             requeued      .          .          .          .          .            .             .          .             .             .             .
release, has its key         | =          .             .             queued+key    .          .          .          .          .            .             .          .             .             .             .
                             | lost       .             .             released      .          .          .          .          .            .             .          .             .             .             .
recover, has its key         | =          .             .             queued+key    queued+key .          .          .          .            .             .          .             .             .             .
                             | -          .             .             requeued      requeued   .          .          .          .            .             .          .             .             .             .
recover, 4th time, has a key | =          .             .             failed        failed     .          .          .          .            .             .          .             .             .             .
                             | -          .             .             failed        failed     .          .          .          .            .             .          .             .             .             .
clean the keys               | =          .             .             .             .          finished   failed     stopped    .            .             canceled   .             .             .             .
                             | 0          .             .             .             .          1          1          1          .            .             1          .             .             .             .
clean the keys, it is gone   | =          .             .             .             .          .          .          .          .            .             .          .             .             .             .
                             | 1          .             .             .             .          .          .          .          .            .             .          .             .             .             .
`;
