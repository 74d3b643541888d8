/**
 * The table of the transitions that have to do with paused queues, and with asking that a run be stopped;
 * tests/store/transitions_test.ts explains and tries it.
 */
export const CONTROL_TABLE: string = `
                            | otherwise   queued  popped  started  rq-started finished failed stopped deferred scheduled canceled created ready limited gone

claim, paused               | =           .       queued  .        .          .        .      .       .        .         .        .       .     .       .
                            | paused      .       .       .        .          .        .      .       .        .         .        .       .     .       .
claim, the pause is over    | =           started .       .        .          .        .      .       .        .         .        .       .     .       .
                            | empty       claimed .       .        .          .        .      .       .        .         .        .       .     .       .
ask to stop                 | =           .       .       .        .          .        .      .       .        .         .        .       .     .       .
                            | not-started .       .       asked    asked      .        .      stopped .        .         .        .       .     .       gone
ask to stop, lease ran out  | =           .       .       stopped  stopped    .        .      .       .        .         .        .       .     .       .
                            | not-started .       .       stopped  stopped    .        .      stopped .        .         .        .       .     .       gone
# the job has begun anew since an earlier call
ask to stop an earlier run  | =           .       .       .        .          .        .      .       .        .         .        .       .     .       .
                            | stopped     .       .       .        .          .        .      .       .        .         .        .       .     .       gone
heartbeat, asked to stop    | =           .       .       =        .          .        .      .       .        .         .        .       .     .       .
                            | lost        .       .       stop     .          .        .      .       .        .         .        .       .     .       .
finish, asked to stop       | =           .       .       finished .          =        .      .       .        .         .        .       .     .       .
                            | lost        .       .       finished .          finished .      .       .        .         .        .       .     .       .
fail, asked to stop         | =           .       .       stopped  .          .        =      .       .        =         .        .       .     .       .
                            | lost        .       .       stopped  .          .        failed .       .        scheduled .        .       .     .       .
ask for a retry, to stop    | =           .       .       stopped  .          .        =      .       .        =         .        .       .     .       .
                            | lost        .       .       stopped  .          .        failed .       .        scheduled .        .       .     .       .
stop, asked to stop         | =           .       .       stopped  .          .        .      =       .        .         .        .       .     .       .
                            | lost        .       .       stopped  .          .        .      stopped .        .         .        .       .     .       .
put back, asked to stop     | =           .       .       stopped  .          .        .      .       .        .         .        .       .     .       .
                            | lost        .       .       stopped  .          .        .      .       .        .         .        .       .     .       .
return, asked to stop       | =           .       .       stopped  .          .        .      .       .        .         .        .       .     .       .
                            | lost        .       .       stopped  .          .        .      .       .        .         .        .       .     .       .
fall asleep, asked to stop  | =           .       .       stopped  .          .        .      .       .        .         .        .       .     .       .
                            | lost        .       .       stopped  .          .        .      .       .        .         .        .       .     .       .
recover, asked to stop      | =           .       .       stopped  stopped    .        .      .       .        .         .        .       .     .       .
                            | -           .       .       stopped  stopped    .        .      .       .        .         .        .       .     .       .
`;
