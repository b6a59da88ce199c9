import type { Command } from 'commander';
import { GraphQLError } from 'graphql';
import { EnvironmentError, readConfig } from '../config';
import { ConfigurationError } from '../storage/errors';
import { openStores, type Stores } from '../stores';
import { ImportUsageError } from '../subjects/import/errors';

/** What was asked for cannot be done as it was asked: exit code 2. The message names the mend. */
export class CommandUsageError extends Error {
  override readonly name = 'CommandUsageError';
}

/**
 * Runs a command's work over the stores that the environment names, and closes them. What fails is said in a line on
 * standard error, and the process ends: with 2 where the command was called wrongly, else with 1.
 */
export async function overStores<T>(command: Command, work: (stores: Stores) => Promise<T>): Promise<T> {
  try {
    const stores = await openStores(readConfig(process.env));
    try {
      return await work(stores);
    } finally {
      await stores.close();
    }
  } catch (error) {
    return command.error(`error: ${messageOf(error)}`, { exitCode: isMisuse(error) ? 2 : 1 });
  }
}

function isMisuse(error: unknown): boolean {
  if (error instanceof GraphQLError) return error.extensions.code === 'BAD_USER_INPUT';
  return error instanceof CommandUsageError || error instanceof ImportUsageError;
}

/** A driver's error quotes the statement's values, which may be personal data: of it only the code is said. */
function messageOf(error: unknown): string {
  const known =
    error instanceof EnvironmentError || error instanceof ConfigurationError || error instanceof GraphQLError;
  if (known || isMisuse(error)) return (error as Error).message;
  const { driverError, code, name } = error as { driverError?: { code?: string }; code?: string; name?: string };
  const database = driverError?.code;
  if (database !== undefined) return `the database refused (${database}); nothing of the batch under way was written`;
  return code ? `${name}: ${code}` : error instanceof Error ? error.message : String(error);
}
