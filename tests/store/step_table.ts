/** The table of the transitions that have to do with steps and streams; tests/store/transitions_test.ts explains and tries it. */

export const STEP_TABLE: string = `
                        | otherwise queued popped started   rq-started finished failed stopped deferred scheduled canceled created ready limited gone

keep a step             | =         .      .      =         .          .        .      .       .        .         .        .       .     .       .
                        | lost      .      .      kept      .          .        .      .       .        .         .        .       .     .       .
look at a sleep         | =         .      .      =         .          .        .      .       .        .         .        .       .     .       .
                        | lost      .      .      due       .          .        .      .       .        .         .        .       .     .       .
yield parts             | =         .      .      =         .          .        .      .       .        .         .        .       .     .       .
                        | lost      .      .      kept      .          .        .      .       .        .         .        .       .     .       .
finish, has yielded     | =         .      .      finished  .          .        .      .       .        .         .        .       .     .       .
                        | lost      .      .      finished  .          finished .      .       .        .         .        .       .     .       .
fall asleep             | =         .      .      scheduled .          .        .      .       .        .         .        .       .     .       .
                        | lost      .      .      asleep    .          .        .      .       .        .         .        .       .     .       .
fall asleep, signaled   | =         .      .      queued    .          .        .      .       .        .         .        .       .     .       .
                        | lost      .      .      asleep    .          .        .      .       .        .         .        .       .     .       .
signal                  | =         .      .      .         .          .        .      .       .        .         .        .       .     .       .
                        | given     .      .      .         .          ended    .      .       .        .         ended    .       .     .       gone
signal, it waits for it | =         .      .      .         .          .        .      .       .        queued    .        .       .     .       .
                        | given     .      .      .         .          ended    .      .       .        .         ended    .       .     .       gone
signal, before a retry  | =         .      .      .         .          .        .      .       .        .         .        .       .     .       .
                        | given     .      .      .         .          ended    .      .       .        .         ended    .       .     .       gone
signal, it has it       | =         .      .      .         .          .        .      .       .        .         .        .       .     .       .
                        | late      .      .      .         .          .        .      .       .        .         .        .       .     .       gone
`;
