import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { root } from '../support/root';

const listed = [
  ...readFileSync(join(root, 'src/commands/program.ts'), 'utf8').matchAll(/import\('\.\/([\w-]+)\.js'\)\)\.(\w+)\(\)/g),
];

/** A command and all below it, each with the words that call it. */
function all(command: Command, words: string): Array<{ readonly words: string; readonly command: Command }> {
  return [
    { words, command },
    ...command.commands
      .filter((each) => each.name() !== 'help')
      .flatMap((each) => all(each, `${words} ${each.name()}`)),
  ];
}

const commands = listed.flatMap(([, file = '', make = '']) => {
  const command = (require(join(root, 'src/commands', file)) as Record<string, () => Command>)[make]?.();
  return command ? all(command, command.name()) : [];
});

test('every command is found', () => {
  expect(listed.length).toBeGreaterThan(12);
  expect(commands.map(({ words }) => words)).toEqual(
    expect.arrayContaining([
      'serve',
      'audit',
      'audit verify',
      'audit anchors export',
      'erasures replay',
      'exports write',
    ]),
  );
});

test.each(commands)('remit $words --help says what it does and takes, with an example', ({ words, command }) => {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  expect(command.description()).not.toBe('');
  for (const { flags, description } of command.options)
    expect({ flags, description }).not.toEqual({ flags, description: '' });
  for (const each of command.registeredArguments) expect(each.description).not.toBe('');
  expect(help).toMatch(new RegExp(`\\nExamples?:\\n(.*\\n)*? {2}\\$ .*remit ${words}\\b`));
});
