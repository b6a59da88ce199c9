import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Installation } from '../erasure/installation';
import type { TestDatabase } from './databases';
import { root } from './root';

/** One command of a runbook. */
export interface Command {
  readonly text: string;
  /** What it ends with: 0, unless the page says otherwise. */
  readonly code: number;
  /** The words behind the language of its block. */
  readonly of: readonly string[];
}

/** The commands of a page in their order: those for every engine, and those for this one. */
export function commandsOf(page: string, engine: 'sqlite' | 'mysql'): Command[] {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^ *```sh ?([\w ]*)\n([^`]*)^ *```$/gm)];
  return blocks
    .map(([, words = '', block = '']) => ({ of: words.split(' ').filter((word) => word !== ''), block }))
    .filter(({ of }) => !of.some((word) => ['sqlite', 'mysql'].includes(word) && word !== engine))
    .flatMap(({ of, block }) => block.split('\n').map((line) => ({ of, line: line.trim() })))
    .filter(({ line }) => line !== '')
    .map(({ of, line }) => ({ text: line, of, code: Number(/# exits with (\d)$/.exec(line)?.[1] ?? 0) }));
}

/** Runs commands of a page on an installation, as an operator does. */
export class Operator {
  /** What the commands printed. */
  readonly printed: string[] = [];
  readonly #installation: Installation;
  readonly #env: Record<string, string>;

  constructor(installation: Installation, { databaseUrl, keysDatabaseUrl }: TestDatabase) {
    this.#installation = installation;
    const bin = join(installation.folder, 'bin');
    mkdirSync(bin);
    const main = join(root, 'dist/src/main.js');
    writeFileSync(join(bin, 'remit'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(join(bin, 'remit'), 0o755);
    symlinkSync(join(root, 'node_modules'), join(installation.folder, 'node_modules'));
    const url = databaseUrl.startsWith('sqlite:') ? undefined : new URL(databaseUrl);
    this.#env = {
      PATH: `${bin}:${process.env.PATH}`,
      OPERATOR: 'ann@platform.example',
      ...(url
        ? {
            SERVER: `--host=${url.hostname} --port=${url.port} --user=${url.username} --protocol=tcp --skip-ssl`,
            DATA_SCHEMA: url.pathname.slice(1),
            KEYS_SCHEMA: new URL(keysDatabaseUrl).pathname.slice(1),
            ...(url.password ? { MYSQL_PWD: decodeURIComponent(url.password) } : {}),
          }
        : { DATA_FILE: databaseUrl.replace('sqlite:', ''), KEYS_FILE: keysDatabaseUrl.replace('sqlite:', '') }),
    };
  }

  /** @throws {Error} where a command does not end as the page says, or complains */
  follow(commands: readonly Pick<Command, 'text' | 'code'>[]): void {
    for (const { text, code } of commands) {
      const { status, stdout, stderr } = this.run(text);
      this.printed.push(stdout);
      if (status !== code || stderr !== '') throw new Error(`${text}: ${status}, not ${code}\n${stdout}${stderr}`);
    }
  }

  run(text: string) {
    const { folder, env } = this.#installation;
    return spawnSync('sh', ['-c', text], { cwd: folder, encoding: 'utf8', env: { ...env, ...this.#env } });
  }
}
