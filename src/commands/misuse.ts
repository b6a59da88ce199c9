import type { Command } from 'commander';

/** Exit code 2 says that a command was called wrongly; commander's own is 1, which here says that it failed. */
export function exitTwoOnMisuse(command: Command): Command {
  return command.exitOverride(({ exitCode, code }) => {
    const isMisuse = code !== 'commander.error' && exitCode !== 0;
    process.exit(isMisuse ? 2 : exitCode);
  });
}
