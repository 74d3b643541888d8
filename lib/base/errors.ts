/**
 * The errors that callers catch. Each has a `name`, readonly fields with what
 * it knows, and `cause` where another error led to it.
 *
 * @module
 */

/** A job finished by failing; `cause` is the job's own error as far as it can be told from what is stored. */
export class JobFailedError extends Error {
  /** The class's name. */
  override readonly name = "JobFailedError";
  /** The id of the failed job. */
  readonly jobId: string;
  /** The stored text of the error, stack included. */
  readonly excInfo: string;

  /** Made by `Job.wait()`. */
  constructor(
    message: string,
    options: { jobId: string; excInfo: string; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.jobId = options.jobId;
    this.excInfo = options.excInfo;
  }
}

/** No job has this id, or its hash cannot be read. */
export class NoSuchJobError extends Error {
  /** The class's name. */
  override readonly name = "NoSuchJobError";
  /** The id that was looked for. */
  readonly jobId: string;

  /** Made where a job is fetched or changed by id. */
  constructor(message: string, options: { jobId: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.jobId = options.jobId;
  }
}

/** A job with this id exists and has not ended, so no other can be put on a queue under it. */
export class DuplicateJobError extends Error {
  /** The class's name. */
  override readonly name = "DuplicateJobError";
  /** The id that is taken. */
  readonly jobId: string;

  /** Made by the enqueue calls. */
  constructor(message: string, options: { jobId: string }) {
    super(message);
    this.jobId = options.jobId;
  }
}

/** The call has no effect on a job in this status, such as requeueing one that has not failed. */
export class InvalidJobOperationError extends Error {
  /** The class's name. */
  override readonly name = "InvalidJobOperationError";
  /** The job's id. */
  readonly jobId: string;
  /** The job's status when the call was made. */
  readonly status: string | null;

  /** Made by the calls that change a job. */
  constructor(
    message: string,
    options: { jobId: string; status: string | null },
  ) {
    super(message);
    this.jobId = options.jobId;
    this.status = options.status;
  }
}
