import { readSource, sourceFiles } from './modules';

/** Files with an interval of their own, and why it is no background work. */
const mayRepeat: ReadonlyMap<string, string> = new Map([
  ['commands/workers.ts', 'tells the primary that a worker lives, and watches that'],
  ['connections/lanes.ts', 'watches statements under way, while there are some'],
  ['gateway/idempotency/keyed-mutation.ts', 'renews the hold on a key whose mutation is under way'],
  ['gateway/open-sockets.ts', 'closes idle connections of one server'],
  ['gateway/socket.ts', 'pings one connection'],
  ['jobs/shared-tasks.ts', 'renews the hold on a task that is under way'],
  ['keys/epochs/turn-lease.ts', 'renews the hold on a turning that is under way'],
  ['keys/key-cache.ts', 'forgets keys in memory'],
  ['storage/migration-lock.ts', 'renews the lock of a migration that is under way'],
]);

const using = (what: RegExp): string[] => sourceFiles().filter((file) => what.test(readSource(file)));

test('background work is repeated by jobs/scheduler.ts alone', () => {
  expect(using(/\bsetInterval\(/)).toEqual([...mayRepeat.keys()].sort());
});

test('leases on work are taken and renewed in jobs/leases.ts alone', () => {
  expect(using(/lease_holder = \$\{holder\}/)).toEqual(['jobs/leases.ts']);
  expect(using(/\blease_holder\b/)).toEqual([
    'jobs/jobs.ts',
    'jobs/leases.ts',
    // An epoch is turned in the keys' store, by the clock of that database, and belongs to no client.
    'keys/entities.ts',
    'keys/epochs/turn-lease.ts',
    // Whoever gives work back says so in its own table.
    'register/webhooks/webhook-sender.ts',
  ]);
});

test('one step of an erasure has one fence', () => {
  const fences = sourceFiles()
    .filter((file) => file.startsWith('erasure/'))
    .flatMap((file) => readSource(file).match(/\blease\.fence\(/g) ?? []);
  expect(fences).toHaveLength(1);
});
