import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jobWorker } from '../../src/background';
import { type Installation, openInstallation } from '../erasure/installation';
import { countRows, newClient, plantPeople } from '../erasure/people';
import { databases, type TestDatabase } from '../support/databases';
import { root } from '../support/root';

interface Command {
  readonly text: string;
  readonly code: number;
}

/** The runbook's commands in their order: those for every engine, and those for this one. */
function commandsFor(engine: 'sqlite' | 'mysql'): Command[] {
  const text = readFileSync(join(root, 'docs/restore.md'), 'utf8');
  const blocks = [...text.matchAll(/^```sh ?(\w*)\n([^`]*)^```$/gm)];
  return blocks
    .filter(([, only]) => only === '' || only === engine)
    .flatMap(([, , block = '']) => block.split('\n').filter((line) => line.trim() !== ''))
    .map((line) => ({ text: line, code: Number(/# exits with (\d)$/.exec(line)?.[1] ?? 0) }));
}

/** Runs the restore of docs/restore.md (docs/pitfalls.md, 26). */
describe.each(databases)('the runbook of a restore on $name', ({ name, create }) => {
  let database: TestDatabase;
  let installation: Installation;

  beforeAll(async () => {
    database = await create();
    installation = await openInstallation(database);
    const bin = join(installation.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'remit'),
      `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'dist/src/main.js')}" "$@"\n`,
    );
    chmodSync(join(bin, 'remit'), 0o755);
    symlinkSync(join(root, 'node_modules'), join(installation.folder, 'node_modules'));
  });
  afterAll(async () => {
    await installation.close();
    await database.drop();
  });

  function run({ text }: Command) {
    const { folder, env } = installation;
    const url = name === 'SQLite' ? undefined : new URL(database.databaseUrl);
    const server = url
      ? [`--host=${url.hostname}`, `--port=${url.port}`, `--user=${url.username}`, '--protocol=tcp', '--skip-ssl']
      : [];
    const password = url?.password ? { MYSQL_PWD: decodeURIComponent(url.password) } : {};
    return spawnSync('sh', ['-c', text], {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
        ...env,
        ...password,
        OPERATOR: 'ann@platform.example',
        DATA_FILE: database.databaseUrl.replace('sqlite:', ''),
        DATA_SCHEMA: url?.pathname.slice(1) ?? '',
        SERVER: server.join(' '),
      },
    });
  }

  test('each command does what the page says, and the ledger is sound again and says what is lost', async () => {
    const commands = commandsFor(name === 'SQLite' ? 'sqlite' : 'mysql');
    const put = commands.findIndex(({ text }) => /rm -f|DROP DATABASE/.test(text));
    expect(put).toBeGreaterThan(1);
    const client = await newClient(installation.services, 'acme');
    const [erased, kept] = await plantPeople(installation.stores, client, [1, 2]);
    const before = await countRows(installation.stores, client);
    const outputs: string[] = [];
    const follow = (some: readonly Command[]) => {
      for (const command of some) {
        const { status, stdout, stderr } = run(command);
        outputs.push(stdout);
        if (status !== command.code || stderr !== '') {
          throw new Error(`${command.text}: ${status}, not ${command.code}\n${stdout}${stderr}`);
        }
      }
    };
    follow(commands.slice(0, put));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const filing = { principal: 'admin', role: 'CLIENT_ADMIN', grounds: 'OBJECTION' } as const;
    await installation.services.erasure.erasures.request(client, erased?.id ?? '', filing);
    await jobWorker(installation.stores, installation.services).drain();
    const after = await countRows(installation.stores, client);
    expect(after).not.toEqual(before);

    await installation.whileClosed(async () => follow(commands.slice(put)));
    expect(await countRows(installation.stores, client)).toEqual(after);
    expect(kept).toBeDefined();
    const said = outputs.join('');
    expect(said).toContain('NOT SOUND');
    expect(said).toMatch(/^log \S+: recorded that entries \d+ to \d+ are lost$/m);
    expect(said).toMatch(/^Sound: \d+ entries in \d+ logs?, \d+ signed checkpoints, \d acknowledged gaps?\.$/m);
    expect(said).toMatch(/^As decided: /m);
    const entries = await installation.services.auditReader.entries(
      undefined,
      { kind: 'LOG_GAP_ACKNOWLEDGED' },
      9,
      undefined,
    );
    const [entry] = entries;
    if (!entry) throw new Error('nothing was acknowledged');
    expect(entry.details).toMatchObject({ reason: expect.stringContaining('put back') });
    expect(await installation.services.auditReader.nameOf(entry)).toBe('ann@platform.example');
  }, 300_000);
});
