const PREFIX = 'remit/audit/';

/** What a log is called in its checkpoints (C2SP tlog-checkpoint). */
export const originOf = (logId: string): string => `${PREFIX}${logId}`;

/** The log that a checkpoint is of, or undefined where it is none of ours. */
export const logOf = (origin: string): string | undefined =>
  origin.startsWith(PREFIX) ? origin.slice(PREFIX.length) : undefined;
