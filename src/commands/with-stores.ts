import { readConfig } from '../config';
import { withMoreTime } from '../connections/time';
import { createServices, type Services } from '../services';
import { openStores, type Stores } from '../stores';
import { ImportUsageError } from '../subjects/import/errors';
import { CommandError } from './failure';

/** Runs `work` with the stores of the environment and the time limits of commands, and always closes the stores. */
export function withStores<T>(work: (services: Services, stores: Stores) => Promise<T>): Promise<T> {
  return withMoreTime('command', () => withOpenStores(work));
}

async function withOpenStores<T>(work: (services: Services, stores: Stores) => Promise<T>): Promise<T> {
  const config = readConfig(process.env);
  const stores = await openStores(config);
  try {
    return await work(createServices(stores, config.processor ? { processor: config.processor } : {}), stores);
  } catch (error) {
    throw error instanceof ImportUsageError ? new CommandError(error.message, 2) : error;
  } finally {
    await stores.close();
  }
}
