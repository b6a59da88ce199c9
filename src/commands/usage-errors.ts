import type { Command } from 'commander';

/** Exit code 2: a command was called wrongly. Commander's own code is 1, which here says that the work failed. */
export function exitTwoOnUsageError(command: Command): Command {
  return command.exitOverride(({ exitCode, code }) => {
    const isUsageError = code !== 'commander.error' && exitCode !== 0;
    process.exit(isUsageError ? 2 : exitCode);
  });
}
