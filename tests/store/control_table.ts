/** The table of the transitions that have to do with paused queues; tests/store/transitions_test.ts explains and tries it. */
export const CONTROL_TABLE: string = `
                         | otherwise queued  popped  started rq-started finished failed stopped deferred scheduled canceled created ready limited gone

claim, paused          | =         .       queued  .       .          .        .      .       .        .         .        .       .     .       .
                       | paused    .       .       .       .          .        .      .       .        .         .        .       .     .       .
claim, the pause is over | =       started .       .       .          .        .      .       .        .         .        .       .     .       .
                       | empty     claimed .       .       .          .        .      .       .        .         .        .       .     .       .
`;
