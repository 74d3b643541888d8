/** The table of the transitions that act on registries; tests/store/transitions_test.ts explains and tries it. */

/** Each changes jobs of some statuses only. Removing leaves the job as it is, as in RQ: nobody will run it. */
export const REGISTRY_TABLE: string = `
                            | otherwise queued   popped   started  rq-started finished failed      stopped      deferred scheduled      canceled created ready limited gone

requeue the failed          | =         .        .        .        .          .        queued      queued       .        .              .        .       .     .       =
                            | not       .        .        .        .          .        requeued    requeued     .        .              .        .       .     .       gone
requeue the finished        | =         .        .        .        .          queued   .           .            .        .              .        .       .     .       =
                            | not       .        .        .        .          requeued .           .            .        .              .        .       .     .       gone
requeue the canceled        | =         .        .        .        .          .        .           .            .        .              queued   .       .     .       =
                            | not       .        .        .        .          .        .           .            .        .              requeued .       .     .       gone
requeue the scheduled       | =         .        .        .        .          .        .           .            .        queued         .        .       .     .       =
                            | not       .        .        .        .          .        .           .            .        requeued       .        .       .     .       gone
requeued by this run before | =         .        .        .        .          .        .           .            .        .              .        .       .     .       =
                            | again     .        .        .        .          .        .           .            .        .              .        .       .     .       gone
delete the queued           | =         gone     gone     .        .          .        .           .            .        .              .        .       .     .       .
                            | 0         1        1        .        .          .        .           .            .        .              .        .       .     .       .
delete the started          | =         .        .        gone     gone       .        .           .            .        .              .        .       .     .       .
                            | 0         .        .        1        1          .        .           .            .        .              .        .       .     .       .
delete the failed           | =         .        .        .        .          .        gone        gone         .        .              .        .       .     .       .
                            | 0         .        .        .        .          .        1           1            .        .              .        .       .     .       .
delete the deferred         | =         .        .        .        .          .        .           .            gone     .              .        .       .     .       .
                            | 0         .        .        .        .          .        .           .            1        .              .        .       .     .       .
cancel the queued           | =         canceled canceled .        .          .        .           .            .        .              .        .       .     .       .
                            | 0         1        1        .        .          .        .           .            .        .              .        .       .     .       .
cancel the started          | =         .        .        canceled canceled   .        .           .            .        .              .        .       .     .       .
                            | 0         .        .        1        1          .        .           .            .        .              .        .       .     .       .
remove from the failed      | =         .        .        .        .          .        failed@none stopped@none .        .              .        .       .     .       .
                            | not-there .        .        .        .          .        removed     removed      .        .              .        .       .     .       .
remove from the scheduled   | =         .        .        .        .          .        .           .            .        scheduled@none .        .       .     .       .
                            | not-there .        .        .        .          .        .           .            .        removed        .        .       .     .       .
`;
