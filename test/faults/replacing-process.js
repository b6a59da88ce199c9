const { ClientSecretRotation } = require('../../dist/src/client-secrets.js');
const { tenantEntities } = require('../../dist/src/entities.js');
const { createServices } = require('../../dist/src/services.js');
const { openStores } = require('../../dist/src/stores.js');

/**
 * A process of its own that goes on with the replacement of a client's secret, and kills itself at the given step.
 * @type {(config: object, client: string, step: string) => Promise<void>}
 */
async function replace(config, client, step) {
  const stores = await openStores(config);
  const services = createServices(stores);
  const rotation = new ClientSecretRotation({
    ...stores,
    entities: tenantEntities,
    recorder: services.recorder,
    pace: { leadMs: 2_000, overlapMs: 1 },
    onStep: (at) => {
      if (at === step) process.kill(process.pid, 'SIGKILL');
    },
  });
  const fail = (error) => {
    throw error;
  };
  const known = await rotation.state(client);
  if (!known.some(({ dueAt }) => dueAt !== undefined)) await rotation.begin(client);
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  await rotation.advance(fail);
  await services.recorder.close();
  await services.ledger.close();
  await stores.close();
}

const [config = '', client = '', step = ''] = process.argv.slice(2);
void replace(JSON.parse(config), client, step);
