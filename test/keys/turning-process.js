const { writeSync } = require('node:fs');
const { KeyStore } = require('../../dist/src/keys/key-store.js');
const { openRootKeys } = require('../../dist/src/keys/roots/root-keys.js');
const { openDataSource } = require('../../dist/src/storage/data-source.js');

/** The last statement on a bucket that gets a new key. */
const RENEWED = /^\s*UPDATE bucket_key SET wrapped = \?, node_generation = \?, generation = \?/;

/**
 * A process of its own that turns the epoch, and kills itself at the given step, the given time that it is told.
 * @type {(url: string, masterKeyFile: string, step: string, times: number) => Promise<void>}
 */
async function turn(url, masterKeyFile, step, times) {
  const source = await openDataSource(url, { variable: 'KEYS_DATABASE_URL', entities: [], migrations: [] });
  const roots = await openRootKeys({ masterKeyFile, production: true });
  const keys = new KeyStore(source, roots);
  if (step === 'uncommitted') dieBeforeCommit(source, times);
  let told = 0;
  await keys.epochs.turn({
    backup: async () => 'a backup',
    record: async () => 'a record',
    progress: (at) => {
      if (at.step === step && ++told === times) process.kill(process.pid, 'SIGKILL');
    },
  });
  keys.close();
  await source.destroy();
}

/**
 * Dies when a bucket's key has been replaced and nothing of it is committed. It says what it has written: MariaDB's log
 * has it all the same.
 * @type {(source: { createQueryRunner(): object }, times: number) => void}
 */
function dieBeforeCommit(source, times) {
  const create = source.createQueryRunner.bind(source);
  let told = 0;
  source.createQueryRunner = () => {
    const runner = create();
    const query = Reflect.get(runner, 'query').bind(runner);
    const watched = async (/** @type {[string, ...unknown[]]} */ ...given) => {
      const result = await query(...given);
      if (!RENEWED.test(given[0]) || ++told !== times) return result;
      const buckets = await query('SELECT client_id AS id, wrapped FROM bucket_key');
      const rows = [...buckets, ...(await query('SELECT subject_id AS id, wrapped FROM subject_key'))];
      writeSync(1, JSON.stringify(rows.map(({ id, wrapped }) => [id, wrapped.toString('base64')])));
      process.kill(process.pid, 'SIGKILL');
    };
    return Object.assign(runner, { query: watched });
  };
}

const [url = '', masterKeyFile = '', step = '', times = '1'] = process.argv.slice(2);
void turn(url, masterKeyFile, step, Number(times));
