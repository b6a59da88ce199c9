import { GraphQLError } from 'graphql';
import { EnvironmentError } from '../config';
import { SchemaPolicyError } from '../governance/govern';
import { KeyBackupError } from '../keys/backup/errors';
import { ClientKeyError, DamagedKeysError, EpochBusyError, EpochUnfinishedError } from '../keys/errors';
import { ConfigurationError, MigrationLockError } from '../storage/errors';

/** An error whose message is written for the user of the command. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    /** 1: the work failed. 2: the command was called wrongly. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** Shows an error's message to the user. Only for errors whose message is written for users. */
export function asCommandError(error: unknown): never {
  throw new CommandError((error as Error).message);
}

/** Messages for the system's error codes of files. */
const systemFaults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not open it',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EROFS: 'it is on a read-only file system',
  ENOSPC: 'the disk is full',
};

/**
 * Writes an error to standard error: one line per fault, with the stack when LOG_LEVEL is debug or trace.
 * @returns the exit code
 */
export function reportFailure(error: unknown): 1 | 2 {
  for (const line of faultsOf(error)) process.stderr.write(`error: ${line}\n`);
  if (['debug', 'trace'].includes(process.env.LOG_LEVEL ?? '') && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return error instanceof CommandError ? error.exitCode : 1;
}

/**
 * The lines that describe an error. Only messages written for users are shown: those of a driver or a parser can
 * contain a person's data (docs/statement.md, G1).
 */
export function faultsOf(error: unknown): string[] {
  if (error instanceof EnvironmentError) return error.faults.map(({ message }) => message);
  if (error instanceof SchemaPolicyError || isForCallers(error)) return error.message.split('\n');
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : systemFaults[code];
  if (known !== undefined && syscall !== undefined) return [path === undefined ? known : `${path}: ${known}`];
  const kind = error instanceof Error ? error.name : typeof error;
  return [`it failed unforeseen (${[kind, code].filter(Boolean).join(' ')}); with LOG_LEVEL=debug it says where`];
}

function isForCallers(error: unknown): error is Error {
  if (error instanceof GraphQLError) return error.extensions.code !== 'INTERNAL_SERVER_ERROR';
  const ofKeys = [ClientKeyError, KeyBackupError, DamagedKeysError, EpochBusyError, EpochUnfinishedError];
  const kinds = [CommandError, ConfigurationError, MigrationLockError, ...ofKeys];
  return kinds.some((kind) => error instanceof kind);
}
