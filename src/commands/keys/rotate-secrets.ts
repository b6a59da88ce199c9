import { SecretNotReplacedError, type SecretRecord } from '../../keys/rotation/client-secrets';
import type { Services } from '../../services';
import { counted } from '../counted';
import { CommandError, faultsOf } from '../failure';
import { selectedClients } from '../selected-clients';
import { withStores } from '../with-stores';

/** As `--what` names them. */
export const CLIENT_SECRETS = 'client-secrets';

interface Options {
  /** The slug or id of the only client. */
  readonly client?: string | undefined;
  /** When the new secrets are used first. */
  readonly from?: Date | undefined;
  readonly list?: true | undefined;
  readonly json?: true | undefined;
}

/** A secret, with its client's slug. */
type Named = SecretRecord & { readonly slug: string };

/** `remit keys rotate --what client-secrets`: goes on with what is due, and replaces the secrets of clients. */
export function rotateSecrets({ client, from, list, json }: Options): Promise<void> {
  return withStores(async (services) => {
    try {
      const found = list ? await listed(services, client) : await replaced(services, client, from);
      process.stdout.write(json ? `${JSON.stringify(found.map(shown), null, 2)}\n` : found.map(describe).join(''));
    } finally {
      await services.recorder.close();
      await services.ledger.close();
    }
  });
}

async function listed(services: Services, client: string | undefined): Promise<Named[]> {
  const found: Named[] = [];
  for await (const { id, slug } of selectedClients(services, client))
    for (const state of await services.clientSecrets.state(id)) found.push({ slug, ...state });
  return found;
}

async function replaced(services: Services, client: string | undefined, from: Date | undefined): Promise<Named[]> {
  const { clientSecrets } = services;
  const faults: unknown[] = [];
  const ended = await clientSecrets.advance((error) => faults.push(error));
  if (ended.length > 0) process.stderr.write(`the old secret of ${counted(ended.length, 'client')} is destroyed\n`);
  const begun: Named[] = [];
  for await (const { id, slug } of selectedClients(services, client)) {
    try {
      begun.push({ slug, ...(await clientSecrets.begin(id, from?.getTime())) });
    } catch (error) {
      if (!(error instanceof SecretNotReplacedError)) throw error;
      faults.push(new CommandError(`${slug}: ${error.message}`));
    }
  }
  const words = faults.flatMap(faultsOf);
  if (words.length > 0 && begun.length === 0) throw new CommandError(words.join('\n'));
  for (const word of words) process.stderr.write(`${word}\n`);
  return begun;
}

const momentOf = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

const shown = ({ slug, number, usedFrom, destroyedAt, epoch }: Named) => ({
  use: CLIENT_SECRETS,
  client: slug,
  number,
  usedFrom: number === 1 ? null : momentOf(usedFrom),
  destroyedAt: momentOf(destroyedAt),
  epoch: epoch ?? null,
});

function describe({ slug, number, usedFrom, destroyedAt, epoch }: Named): string {
  const since = number === 1 ? 'was the first' : `is used from ${momentOf(usedFrom)}`;
  const end = epoch === undefined ? '' : `, for good with the end of epoch ${epoch}`;
  const gone = destroyedAt === undefined ? '' : `, destroyed ${momentOf(destroyedAt)}${end}`;
  return `${CLIENT_SECRETS} of ${slug}: secret ${number} ${since}${gone}\n`;
}
