import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GraphQLError } from 'graphql';
import { QueryFailedError } from 'typeorm';
import { fillWithSamples } from '../../src/commands/demo/sample-data';
import { faultsOf } from '../../src/commands/failure';
import { readConfig } from '../../src/config';
import { generateMasterKeyFile } from '../../src/keys/master-key';
import { createServices } from '../../src/services';
import { openStores } from '../../src/stores';
import { remit as runAlone } from '../support/cli';
import { remitHere } from '../support/command';
import { root } from '../support/root';

// Processes are started here, on machines that may be busy.
jest.setTimeout(180_000);

const folder = mkdtempSync(join(tmpdir(), 'remit-cli-'));
const env = {
  DATABASE_URL: `sqlite:${join(folder, 'remit.db')}`,
  KEYS_DATABASE_URL: `sqlite:${join(folder, 'keys.db')}`,
  REMIT_MASTER_KEY_FILE: join(folder, 'master.key'),
};
interface More {
  readonly env?: Record<string, string>;
  readonly input?: string;
}
const options = (more: More) => ({ cwd: folder, ...more, env: { ...env, ...more.env } });
const remit = (words: readonly string[], more: More = {}) => remitHere(words, options(more));
/** In a process of its own, for what a process has: its exit code, its streams, the build. */
const remitAlone = (words: readonly string[], more: More = {}) => runAlone(words, options(more));

beforeAll(() => generateMasterKeyFile(env.REMIT_MASTER_KEY_FILE));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('help', () => {
  test('lists the commands; test/commands/help.test.ts looks at each', async () => {
    const { code, stdout, stderr } = await remit(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*/gm)].map(([, name]) => name ?? '');
    expect(commands).toEqual(
      expect.arrayContaining(['serve', 'demo', 'migrate', 'token', 'explain', 'schema', 'import', 'seed', 'census']),
    );
    expect(await remit(['help'])).toEqual({ code, stdout, stderr });
  });

  test.each([[['help', 'audit', 'verify']], [['audit', 'verify', '--help']]])(
    'is of the command that %j names',
    async (words) => {
      const { code, stdout, stderr } = await remit(words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('Usage: remit audit verify');
    },
  );

  test.each([
    [['explian', '--help'], 'explian', 'explain'],
    [['help', 'explian'], 'explian', 'explain'],
    [['audit', 'verfy', '-h'], 'verfy', 'verify'],
  ])('of no command is an error, which names the nearest: %j', async (words, unknown, nearest) => {
    const { code, stdout, stderr } = await remit(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`error: unknown command '${unknown}'\n(Did you mean ${nearest}?)\n`);
  });

  test('says the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await remitAlone(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('exit codes', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['help on an unknown command', ['frobnicate', '--help']],
    ['an unknown option', ['migrate', '--frobnicate']],
    ['an argument too many', ['migrate', 'now']],
    ['a required option that is missing', ['token']],
    ['an option’s wrong value', ['token', '--role', 'KING']],
    ['a purpose in other case', ['explain', 'x', '--role', 'AUDITOR', '--purpose', 'support']],
    ['a role that needs a client', ['explain', 'x', '--role', 'CLIENT_AGENT', '--purpose', 'SUPPORT']],
    ['a port that is none', ['demo', '--port', '70000']],
  ])('2 for %s', async (_what, words) => {
    const { code, stdout, stderr } = await remit(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(stderr).not.toBe('');
  });

  test('2 is the code of the process', async () => {
    expect(await remitAlone(['frobnicate'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/\w/),
    });
  });

  test('1 for an environment that is not sound, a line each fault, and no password', async () => {
    const wrong = {
      PORT: 'none',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://root:hunter2@db/remit',
      KEYS_DATABASE_URL: '',
    };
    const { code, stdout, stderr } = await remitAlone(['migrate'], { env: wrong });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trimEnd().split('\n')).toEqual(
      ['PORT', 'LOG_LEVEL', 'KEYS_DATABASE_URL'].map((name) => expect.stringMatching(`^error: ${name}: `)),
    );
    expect(stderr).not.toContain('hunter2');
  });

  test('1 for a file that is not there; the stack is shown to those who debug', async () => {
    const words = ['explain', 'none.graphql', '--role', 'AUDITOR', '--purpose', 'LEGAL'];
    expect(await remitAlone(words)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: none.graphql: there is no such file or folder\n',
    });
    const debugged = await remitAlone(words, { env: { LOG_LEVEL: 'debug' } });
    expect(debugged.stderr).toMatch(/^ {4}at /m);
  });
});

test('only words made for callers reach them: a driver’s and a parser’s do not', () => {
  const row = new Error("UNIQUE constraint failed: customer.email_index 'ada@example.org'");
  for (const error of [row, new QueryFailedError('INSERT …', ['ada@example.org'], row), 'ada@example.org']) {
    const [line, ...more] = faultsOf(error);
    expect(more).toEqual([]);
    expect(line).not.toContain('ada');
    expect(line).toMatch(/^it failed unforeseen \(/);
  }
  expect(faultsOf(new GraphQLError('ada', { extensions: { code: 'INTERNAL_SERVER_ERROR' } }))[0]).not.toContain('ada');
  expect(faultsOf(new GraphQLError('There is no such grant.', { extensions: { code: 'NOT_FOUND' } }))).toEqual([
    'There is no such grant.',
  ]);
});

test('remit token starts without a database driver or the API', async () => {
  const probe = join(folder, 'probe.cjs');
  writeFileSync(
    probe,
    `process.on('exit', () => { for (const id of Object.keys(require.cache)) {
      const found = /node_modules.(typeorm|type-graphql|fastify|@apollo)\\b/.exec(id);
      if (found) { process.stderr.write(found[1]); break; } } });`,
  );
  const words = ['token', '--role', 'CLIENT_AGENT', '--client', 'acme', '--purpose', 'SUPPORT', '--country', 'DE'];
  const { code, stdout, stderr } = await runAlone(words, { cwd: folder, nodeOptions: ['--require', probe] });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const claims = JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString());
  expect(claims).toMatchObject({ tenant: 'acme', roles: ['CLIENT_AGENT'], scope: 'purpose:SUPPORT' });
});

describe('migrate', () => {
  const own = {
    DATABASE_URL: `sqlite:${join(folder, 'empty.db')}`,
    KEYS_DATABASE_URL: `sqlite:${join(folder, 'empty-keys.db')}`,
  };

  test('names what it applied, and changes nothing when run again', async () => {
    const first = await remit(['migrate', '--json'], { env: own });
    expect(first.code).toBe(0);
    const { applied } = JSON.parse(first.stdout) as { applied: string[] };
    expect(applied).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^CreateKeyStore\d+$/),
        expect.stringMatching(/^CreateRegister\d+$/),
        expect.stringMatching(/^CreateSubjects\d+$/),
      ]),
    );
    expect(await remit(['migrate', '--json'], { env: own })).toEqual({
      code: 0,
      stdout: '{"applied":[]}\n',
      stderr: '',
    });
    expect(await remit(['migrate'], { env: own })).toMatchObject({ stdout: 'The databases are up to date.\n' });
  });
});

describe('explain', () => {
  const query =
    '{ customers { nodes { id email residency orders { nodes { total } } healthRecords { nodes { note } } } } }';
  const explained = async (words: string[], input = query) => {
    const { code, stdout, stderr } = await remit(['explain', '-', ...words, '--json'], { input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const rows = JSON.parse(stdout) as { coordinate: string; outcome: string; code: string | null; method: string }[];
    return Object.fromEntries(rows.map(({ coordinate, ...row }) => [coordinate, row]));
  };

  beforeAll(async () => {
    const stores = await openStores(readConfig(env));
    await fillWithSamples(createServices(stores), stores);
    await stores.close();
  });

  test('decides by the agreements, grants and instructions of the configured database', async () => {
    const analyst = ['--role', 'CLIENT_AGENT', '--purpose', 'IMPROVEMENT'];
    expect(await explained([...analyst, '--client', 'alpine-clinic'])).toMatchObject({
      'Customer.id': { outcome: 'DEIDENTIFIED', method: 'PSEUDONYM', code: null },
      'Customer.residency': { outcome: 'CLEAR' },
      'Order.total': { outcome: 'DEIDENTIFIED', method: 'BUCKET' },
      'Customer.healthRecords': { outcome: 'WITHHELD', code: 'PURPOSE_NOT_PERMITTED' },
    });
    const agent = ['--role', 'CLIENT_AGENT', '--purpose', 'SUPPORT'];
    expect(await explained([...agent, '--client', 'alpine-clinic'])).toMatchObject({
      'Customer.healthRecords': { outcome: 'CLEAR' },
    });
    expect(await explained([...agent, '--client', 'harbour-books'])).toMatchObject({
      'Customer.healthRecords': { outcome: 'WITHHELD', code: 'AGREEMENT_REQUIRED' },
    });
    const engineer = ['--role', 'PLATFORM_STAFF', '--purpose', 'SECURITY', '--client', 'alpine-clinic'];
    expect(await explained([...engineer, '--subject', 'ines.engineer'])).toMatchObject({
      'Customer.email': { outcome: 'DEIDENTIFIED', method: 'PARTIAL' },
    });
    expect(await explained([...engineer, '--subject', 'otto.engineer'])).toMatchObject({
      'Customer.email': { outcome: 'WITHHELD', code: 'PURPOSE_NOT_GRANTED' },
    });
  });

  test('explains a partner by the scope of what the client installed, in the partners’ contract', async () => {
    const partner = ['--role', 'PARTNER', '--subject', 'parcel-pilot', '--client', 'alpine-clinic'];
    const words = [...partner, '--purpose', 'SERVICE_DELIVERY'];
    expect(await explained(words, '{ customers { nodes { email residency } } }')).toMatchObject({
      'Customer.email': { outcome: 'CLEAR' },
      'Customer.residency': { outcome: 'WITHHELD', code: 'PURPOSE_NOT_GRANTED' },
    });
    const beyond = await remitAlone(['explain', '-', ...words], { input: '{ customers { nodes { ipAddress } } }' });
    expect(beyond).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^error: Cannot query field/) });
  });

  test('prints a table, and picks one of several operations', async () => {
    const file = join(folder, 'two.graphql');
    writeFileSync(file, 'query A { customers { nodes { email } } } query B { subProcessors { name } }');
    const words = ['explain', file, '--role', 'CLIENT_AGENT', '--client', 'alpine-clinic', '--purpose', 'IMPROVEMENT'];
    const { code, stdout } = await remit([...words, '--operation', 'A']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/coordinate +│ outcome +│ code +│ rule +│ method/);
    expect(stdout).toMatch(
      /Customer\.email +│ DEIDENTIFIED │ +│ @deidentify\(for: \[IMPROVEMENT\], by: PSEUDONYM\) on Customer\.email │ PSEUDONYM/,
    );
    const ungoverned = await remit([...words, '--operation', 'B']);
    expect(ungoverned.stdout).toBe('The operation reaches no governed field.\n');
    expect(await remit(words)).toMatchObject({ code: 1, stdout: '' });
  });

  test('says which client there is not', async () => {
    const words = ['explain', '-', '--role', 'CLIENT_AGENT', '--client', 'nobody', '--purpose', 'SUPPORT'];
    expect(await remit(words, { input: query })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: there is no client "nobody"\n',
    });
  });
});

describe('schema', () => {
  test('the files that are checked in are what the code has', async () => {
    const { code, stderr } = await runAlone(['schema', '--check'], { cwd: root });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('--policies prints the table of docs/directives.md', async () => {
    const { code, stdout } = await remit(['schema', '--policies']);
    expect(code).toBe(0);
    const page = readFileSync(join(root, 'docs/directives.md'), 'utf8');
    expect(/<!-- policies -->\n([\s\S]*?)<!-- \/policies -->/.exec(page)?.[1]).toBe(stdout);
  });

  test('--check names each file that differs or is missing', async () => {
    const directory = join(folder, 'schema');
    expect(await remit(['schema', '--directory', directory])).toMatchObject({ code: 0 });
    expect(await remit(['schema', '--check', '--directory', directory])).toMatchObject({ code: 0 });
    appendFileSync(join(directory, 'partner.graphql'), '\ntype Extra { id: ID }\n');
    rmSync(join(directory, 'directives.graphql'));
    const { code, stderr } = await remit(['schema', '--check', '--directory', directory]);
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toEqual([
      `error: ${join(directory, 'directives.graphql')} is missing; run: npm run schema:emit`,
      `error: ${join(directory, 'partner.graphql')} differs from the code; run: npm run schema:emit`,
    ]);
  });
});
