import { databases } from '../support/databases';
import { embeddedFaults } from './faults/embedded-faults';
import { serverFaults } from './faults/server-faults';
import { sweeping } from './faults/suite';

describe.each(databases)('faults at every statement, on $name', ({ name, create }) => {
  const open = async () => {
    const database = await create();
    return { database, faults: name === 'SQLite' ? embeddedFaults() : await serverFaults(database.databaseUrl) };
  };
  sweeping(name, open, '1');
});
