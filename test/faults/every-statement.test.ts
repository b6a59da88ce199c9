import { serverFaults } from '../storage/faults/server-faults';
import { sweeping } from '../storage/faults/suite';
import { startGalera } from '../support/galera';

/** One node of three takes the statements: COMMIT is certified by all of them. */
describe('faults at every statement, on Galera', () => {
  const open = async () => {
    const cluster = await startGalera();
    if (!cluster) return undefined;
    await cluster.query(1, 'CREATE DATABASE swept', 'CREATE DATABASE swept_keys');
    const server = cluster.url(1);
    const database = {
      databaseUrl: `${server}swept`,
      keysDatabaseUrl: `${server}swept_keys`,
      drop: () => cluster.stop(),
    };
    return { database, faults: await serverFaults(server) };
  };
  sweeping('Galera', open, '1');
});
