import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { findExecutable } from '../support/mariadb-process';
import { root } from '../support/root';

const unit = join(root, 'deploy/systemd/remit.service');
const text = readFileSync(unit, 'utf8');
const valuesOf = (name: string) =>
  [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);

test('the unit sets what the server reads, from credentials that it loads', () => {
  const known = readFileSync(join(root, '.env.example'), 'utf8');
  const settings = valuesOf('Environment').map((each) => each.split('=') as [string, string]);
  expect(settings.filter(([name]) => !known.includes(`\n${name}=`))).toEqual([]);
  const files = settings.filter(([, value]) => value.startsWith('%d/')).map(([, value]) => value.replace('%d/', ''));
  expect(valuesOf('LoadCredential').map((each) => each.split(':')[0])).toEqual(files);
});

test('the root of the keys is in a folder that the server alone may write', () => {
  expect([valuesOf('StateDirectory'), valuesOf('StateDirectoryMode')]).toEqual([['remit'], ['0700']]);
  expect(valuesOf('Environment')).toContain('REMIT_MASTER_KEY_FILE=%S/remit/master.key');
});

test('the unit lets the server end by itself before it kills it', () => {
  expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(readConfig({}).shutdownGrace);
});

test('the unit starts what the package holds', () => {
  const started = [...valuesOf('ExecStartPre'), ...valuesOf('ExecStart')];
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: { remit: string } };
  for (const command of started) expect(command).toContain(`/opt/remit/${bin.remit} `);
});

const analyze = findExecutable('systemd-analyze');
if (analyze === undefined) {
  process.stderr.write('\n*** WARNING: systemd-analyze was not found: the unit is NOT checked by systemd. ***\n');
} else {
  const asked = (...words: string[]) => spawnSync(analyze, words, { encoding: 'utf8' });

  test('systemd finds nothing wrong with the unit', () => {
    const { stdout, stderr } = asked('verify', unit);
    // Where Node is, and whether a manual is installed, belongs to the machine.
    const faults = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => line.includes('remit.service') && !/node/.test(line));
    expect(faults).toEqual([]);
  });

  test('systemd finds the unit hardened', () => {
    const { status, stdout, stderr } = asked('security', '--offline=true', '--threshold=15', unit);
    expect([status, stdout.split('\n').at(-2), stderr]).toEqual([0, expect.stringContaining('remit.service: 1.'), '']);
  });
}
