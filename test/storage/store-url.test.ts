import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ConfigurationError } from '../../src/storage/errors';
import { parseStoreUrl } from '../../src/storage/store-url';
import { root } from '../support/root';

const parse = (url: string) => parseStoreUrl(url, 'DATABASE_URL');
const limits = { connectMs: 3_000, statementMs: 5_000, waitMs: 5_000, poolSize: 10, queue: 10_000 };

test('one host, with the limits that hold unless told', () => {
  expect(parse('mysql://u@h/db')).toEqual({
    kind: 'mysql',
    hosts: [{ name: 'h', port: 3306, group: 0 }],
    order: 'in-order',
    user: 'u',
    password: '',
    database: 'db',
    limits,
  });
});

test('several hosts in groups, an escaped password, every parameter', () => {
  const url =
    'mariadb://u%40x:p%40ss:/w@db1:3307,[::1],10.0.0.7:1;far.example:3309/d%2Db?hosts=random&ssl=verify-ca' +
    '&ssl-ca=/ca%20file.pem&ssl-cert=c.pem&ssl-key=k.pem' +
    '&connect-timeout=1.5&statement-timeout=20&pool-wait=0.5&pool-size=3&pool-queue=7';
  expect(() => parse(url)).toThrow('has a / or ? in its user or password; write / as %2F');
  expect(parse(url.replace(':/w', ':%2Fw'))).toEqual({
    kind: 'mysql',
    hosts: [
      { name: 'db1', port: 3307, group: 0 },
      { name: '::1', port: 3306, group: 0 },
      { name: '10.0.0.7', port: 1, group: 0 },
      { name: 'far.example', port: 3309, group: 1 },
    ],
    order: 'random',
    user: 'u@x',
    password: 'p@ss:/w',
    database: 'd-b',
    tls: { identity: false, caFile: '/ca file.pem', certFile: 'c.pem', keyFile: 'k.pem' },
    limits: { connectMs: 1_500, statementMs: 20_000, waitMs: 500, poolSize: 3, queue: 7 },
  });
});

test('a socket instead of hosts', () => {
  const socket = '/run/mysqld/mysqld.sock';
  const hosts = [{ name: 'localhost', port: 0, socket, group: 0 }];
  expect(parse(`mysql://u@localhost/db?socket=${socket}`)).toMatchObject({ hosts });
  expect(parse(`mysql://u@/db?socket=${encodeURIComponent(socket)}`)).toMatchObject({ hosts });
});

test('TLS checks the name of the certificate, which may be another one than the host’s', () => {
  expect(parse('mysql://u@h/db?ssl=true')).toMatchObject({ tls: { identity: true } });
  const named = 'mysql://u@10.0.0.7/db?ssl=true&ssl-server-name=db.example';
  expect(parse(named)).toMatchObject({ tls: { identity: true, serverName: 'db.example' } });
  expect(parse('mysql://u@h/db?ssl=false')).not.toHaveProperty('tls');
});

test.each([
  ['u:s3cret@h:0', '', /a host is a name or an address, with its port/],
  ['u:s3cret@h:65536', '', /not a well-formed URL/],
  ['u:s3cret@h,', '', /not a well-formed URL/],
  ['u:s3cret@h;', '', /names no host after ;/],
  ['u:s3cret@h h2', '', /not a well-formed URL/],
  ['u:s3cret@[h]', '', /not a well-formed URL/],
  ['u:s3cret@h,h:3306', '', /names the host h:3306 twice; name each once/],
  [':s3cret@h', '', /names no user/],
  ['u:s3cret@', '', /names no host/],
  ['u:s3cret@h', 'hosts=nearest', /hosts must be in-order or random/],
  ['u:s3cret@h', 'hosts=random&hosts=random', /has the parameter hosts twice/],
  ['u:s3cret@h', 'connect-timeout=0', /connect-timeout must be a number of seconds from 0\.1 to 3600/],
  ['u:s3cret@h', 'connect-timeout=3s', /connect-timeout must be a number of seconds/],
  ['u:s3cret@h', 'statement-timeout=3601', /statement-timeout must be a number of seconds/],
  ['u:s3cret@h', 'pool-wait=', /pool-wait must have a value/],
  ['u:s3cret@h', 'pool-size=0', /pool-size must be a whole number from 1 to 1000/],
  ['u:s3cret@h', 'pool-size=2.5', /pool-size must be a whole number/],
  ['u:s3cret@h', 'pool-queue=-1', /pool-queue must be a whole number/],
  ['u:s3cret@h', 'password=s3cret', /knows no parameter password; known are socket, ssl, .*pool-queue$/],
  ['u:s3cret@h', 's3cret%20x', /knows no parameter of that name/],
  ['u:s3cret@h', 'ssl-ca=ca.pem', /has parameters for TLS without ssl=true; add it/],
  ['u:s3cret@h', 'ssl=true&ssl-cert=c.pem', /ssl-cert and ssl-key must be set together/],
  ['u:s3cret@h', 'ssl=true&socket=/s', /has ssl with a socket/],
  ['u:s3cret@10.0.0.7', 'ssl=true', /has ssl=true for the address 10\.0\.0\.7, .*add ssl-server-name=NAME/],
  ['u:s3cret@h', 'ssl=true&ssl-server-name=10.0.0.7', /ssl-server-name must be a name/],
  ['u:s3cret@h', 'ssl=verify-ca&ssl-server-name=h', /ssl-server-name must be a name .*beside ssl=true/],
])('%s ?%s is refused with what is right, without the password', (authority, query, message) => {
  let error: unknown;
  try {
    parse(`mysql://${authority}/db?${query}`);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ConfigurationError);
  expect((error as Error).message).toMatch(/^DATABASE_URL: /);
  expect((error as Error).message).toMatch(message);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('s3cret');
});

test('docs/database-urls.md lists every parameter, with what holds unless told', () => {
  const page = readFileSync(join(root, 'docs/database-urls.md'), 'utf8').split('## Parameters')[1] ?? '';
  const listed = [...page.matchAll(/^\| `([a-z-]+)` +\| (.*?) +\|/gm)].map(([, name, standard]) => [name, standard]);
  const [, known = ''] = /known are (.*)$/.exec(faultOf('mysql://u@h/db?x=1')) ?? [];
  expect(listed.map(([name]) => name).sort()).toEqual(known.split(', ').sort());
  const numbers = listed.filter(([, standard]) => /^\d+$/.test(standard ?? ''));
  expect(numbers).toHaveLength(5);
  const url = `mysql://u@h/db?${numbers.map((pair) => pair.join('=')).join('&')}`;
  expect(parse(url)).toEqual(parse('mysql://u@h/db'));
});

function faultOf(url: string): string {
  try {
    parse(url);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
