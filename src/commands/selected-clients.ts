import type { Services } from '../services';
import { CommandError } from './failure';

/** The client with a slug or an id, or every client. @throws {CommandError} when there is no such client */
export async function* selectedClients({ clients }: Pick<Services, 'clients'>, reference: string | undefined) {
  if (reference !== undefined) {
    const client = await clients.find(reference);
    if (!client) throw new CommandError(`there is no client "${reference}"; name one that exists`, 2);
    yield client;
    return;
  }
  let after: string | undefined;
  for (;;) {
    const page = await clients.list(100, after);
    yield* page;
    after = page.at(-1)?.id;
    if (after === undefined) return;
  }
}
