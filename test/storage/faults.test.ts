import { databases } from '../support/databases';
import { embeddedFaults } from './faults/embedded-faults';
import { serverFaults } from './faults/server-faults';
import { sweeping } from './faults/suite';

describe.each(databases)('faults at every statement, on $name', ({ name, create }) => {
  sweeping(name, async () => ({
    create,
    faults: async ({ databaseUrl }) => (name === 'SQLite' ? embeddedFaults() : serverFaults(databaseUrl)),
    close: async () => undefined,
  }));
});
