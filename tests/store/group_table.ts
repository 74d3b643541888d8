/** The part of the table of transitions that has to do with groups; see transitions_test.ts. */

/** See {@linkcode readTable}. */
export const GROUP_TABLE: string = `
                         | otherwise queued popped started  rq-started finished failed stopped deferred scheduled canceled created ready limited gone

enqueue, into a group    | =         .      .      .        .          queued   queued queued  .        .         queued   .       .     .       queued
                         | duplicate .      .      .        .          queued   queued queued  .        .         queued   .       .     .       queued
finish, in a group       | =         .      .      finished .          =        .      .       .        .         .        .       .     .       .
                         | lost      .      .      finished .          finished .      .       .        .         .        .       .     .       .
look at its group        | =         .      .      .        .          .        .      .       .        .         .        .       .     .       .
                         | open      .      .      .        .          finished failed stopped .        .         canceled .       .     .       -
cancel its group         | canceled  .      .      .        .          =        =      =       .        .         =        .       .     .       =
                         | canceled  .      .      .        .          finished failed stopped .        .         .        .       .     .       -
delete its group         | =         .      .      .        .          .        .      .       .        .         .        .       .     .       .
                         | deleted   .      .      .        .          .        .      .       .        .         .        .       .     .       .
delete it with its group | gone      .      .      .        .          .        .      .       .        .         .        .       .     .       =
                         | deleted   .      .      .        .          .        .      .       .        .         .        .       .     .       .
`;
