import { GraphQLError } from 'graphql';
import { EnvironmentError } from '../config';
import { SchemaPolicyError } from '../governance/govern';
import { ClientKeyError } from '../keys/errors';
import { ConfigurationError, MigrationLockError } from '../storage/errors';

/** A failure in words made for whoever called the command. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    /** 1: it failed. 2: it was called wrongly. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** For errors whose words a room made for callers. */
export function wordsOf(error: unknown): never {
  throw new CommandError((error as Error).message);
}

/** What went wrong with a file or a port, by the system's code. */
const systemFaults: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not open it',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EROFS: 'it is on a read-only file system',
  ENOSPC: 'the disk is full',
};

/**
 * Writes what went wrong to standard error: a line each fault, and the stack where LOG_LEVEL asks for it.
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
 * A failure in lines. Only errors whose words were made for callers speak for themselves: those of a driver or a parser
 * may repeat a person's data (statement G1).
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
  const kinds = [CommandError, ConfigurationError, MigrationLockError, ClientKeyError];
  return kinds.some((kind) => error instanceof kind);
}
