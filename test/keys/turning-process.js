const { KeyStore } = require('../../dist/src/keys/key-store.js');
const { openRootKeys } = require('../../dist/src/keys/roots/root-keys.js');
const { openDataSource } = require('../../dist/src/storage/data-source.js');

/**
 * A process of its own that turns the epoch, and kills itself at the given step, the given time that it is told.
 * @type {(url: string, masterKeyFile: string, step: string, times: number) => Promise<void>}
 */
async function turn(url, masterKeyFile, step, times) {
  const source = await openDataSource(url, { variable: 'KEYS_DATABASE_URL', entities: [], migrations: [] });
  const roots = await openRootKeys({ masterKeyFile, production: true });
  const keys = new KeyStore(source, roots);
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

const [url = '', masterKeyFile = '', step = '', times = '1'] = process.argv.slice(2);
void turn(url, masterKeyFile, step, Number(times));
