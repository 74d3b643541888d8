/**
 * The errors that callers catch. Each has a `name`, readonly fields with the
 * details, and a `cause` where another error led to it.
 *
 * @module
 */

/** A job has failed; `cause` is the job's own error, as far as it can be restored from the stored text. */
export class JobFailedError extends Error {
  /** The class's name. */
  override readonly name = "JobFailedError";
  /** The id of the failed job. */
  readonly jobId: string;
  /** The stored text of the error, including the stack. */
  readonly excInfo: string;

  /** Created by `Job.wait()`. */
  constructor(
    message: string,
    options: { jobId: string; excInfo: string; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.jobId = options.jobId;
    this.excInfo = options.excInfo;
  }
}

/** There is no job with this id, or its hash cannot be read. */
export class NoSuchJobError extends Error {
  /** The class's name. */
  override readonly name = "NoSuchJobError";
  /** The id that was looked for. */
  readonly jobId: string;

  /** Created where a job is fetched or changed by its id. */
  constructor(message: string, options: { jobId: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.jobId = options.jobId;
  }
}

/** There is no schedule of this name. */
export class NoSuchScheduleError extends Error {
  /** The class's name. */
  override readonly name = "NoSuchScheduleError";
  /** The name that was looked for. */
  readonly schedule: string;

  /** Created where a schedule is changed by its name. */
  constructor(message: string, options: { schedule: string }) {
    super(message);
    this.schedule = options.schedule;
  }
}

/** The id of a job, or its unique key, is taken by another job. */
export class DuplicateJobError extends Error {
  /** The class's name. */
  override readonly name = "DuplicateJobError";
  /** The id of the job that has the id, or holds the key. */
  readonly jobId: string;
  /** The unique key, or `undefined` if it is the id that is taken. */
  readonly uniqueKey: string | undefined;

  /** Created by the enqueue calls, and by `Job.requeue()`. */
  constructor(message: string, options: { jobId: string; uniqueKey?: string }) {
    super(message);
    this.jobId = options.jobId;
    this.uniqueKey = options.uniqueKey;
  }
}

/** The operation is not possible in the job's status, such as requeueing a job that has not failed. */
export class InvalidJobOperationError extends Error {
  /** The class's name. */
  override readonly name = "InvalidJobOperationError";
  /** The job's id. */
  readonly jobId: string;
  /** The job's status when the call was made. */
  readonly status: string | null;

  /** Created by the calls that change a job. */
  constructor(
    message: string,
    options: { jobId: string; status: string | null },
  ) {
    super(message);
    this.jobId = options.jobId;
    this.status = options.status;
  }
}

/** There is no group with this id. */
export class NoSuchGroupError extends Error {
  /** The class's name. */
  override readonly name = "NoSuchGroupError";
  /** The id that was looked for. */
  readonly groupId: string;

  /** Created where a group is fetched, or jobs are added to one. */
  constructor(message: string, options: { groupId: string }) {
    super(message);
    this.groupId = options.groupId;
  }
}

/** The error for a group that does not exist. */
export function noSuchGroup(groupId: string): NoSuchGroupError {
  return new NoSuchGroupError(
    `No such group "${groupId}": it never existed, was deleted or has expired`,
    { groupId },
  );
}

/** A group with this id exists, so another one cannot be created under the same id. */
export class DuplicateGroupError extends Error {
  /** The class's name. */
  override readonly name = "DuplicateGroupError";
  /** The id that is taken. */
  readonly groupId: string;

  /** Created by `Group.create()`. */
  constructor(message: string, options: { groupId: string }) {
    super(message);
    this.groupId = options.groupId;
  }
}
