import { jobWorker } from '../../background';
import type { Services } from '../../services';
import type { Stores } from '../../stores';
import { bookshop } from './sample-data';

/** The erasure of a person for good, as the demo shows it. */
export interface ErasedPerson {
  readonly status: string;
  readonly keyDeletedAt: Date;
  readonly keyEpoch: number;
  readonly finalAt: Date;
}

/**
 * A customer of the bookshop withdraws consent, is erased, and the epoch of the keys ends, which it does each day
 * otherwise.
 */
export async function eraseSomebody(services: Services, stores: Stores): Promise<ErasedPerson> {
  const { clients, customers, erasure } = services;
  const client = (await clients.find(bookshop))?.id ?? '';
  const person = { firstName: 'Lena', lastName: 'Leaving', email: 'lena@leaving.example', residency: 'GB' };
  const customer = await customers.create(client, person, 'demo');
  const asked = { principal: 'books.admin', role: 'CLIENT_ADMIN', grounds: 'CONSENT_WITHDRAWN' } as const;
  const { id } = await erasure.erasures.request(client, customer, asked);
  const worker = jobWorker(stores, services);
  await worker.drain();
  await erasure.turning.turn();
  await worker.drain();
  const state = await erasure.erasures.find(client, id);
  return {
    status: state?.status ?? 'GONE',
    keyDeletedAt: new Date(state?.keyDeletedAt ?? 0),
    keyEpoch: state?.keyEpoch ?? 0,
    finalAt: new Date(state?.finalAt ?? 0),
  };
}

/** What happened, in words. */
export const erasureText = ({ status, keyDeletedAt, keyEpoch, finalAt }: ErasedPerson): string =>
  `A customer of Harbour Books was erased for good: ${status}. ` +
  `The key was deleted at ${keyDeletedAt.toISOString()};\n` +
  `since ${finalAt.toISOString()}, when epoch ${keyEpoch} of the keys ended, no log or backup brings it back.\n`;
