import { serverFaults } from '../storage/faults/server-faults';
import { sweeping } from '../storage/faults/suite';
import { storesOn } from '../support/databases';
import { startGalera } from '../support/galera';

/** One node of three takes the statements: COMMIT is certified by all of them. */
describe('faults at every statement, on Galera', () => {
  sweeping('Galera', async () => {
    const cluster = await startGalera();
    return (
      cluster && {
        create: () => storesOn(cluster.url(1)),
        faults: ({ databaseUrl }) => serverFaults(databaseUrl),
        close: () => cluster.stop(),
      }
    );
  });
});
