import { Command, Option } from 'commander';
import type { RotationState } from '../../key-rotations';
import type { RotatedUse } from '../../keys/rotation/rotating-key';
import { RotationUnderWayError } from '../../keys/rotation/rotating-keys';
import { CommandError } from '../failure';
import { moment } from '../moments';
import { exitTwoOnUsageError } from '../usage-errors';
import { withStores } from '../with-stores';
import { CLIENT_SECRETS, rotateSecrets } from './rotate-secrets';

const uses: readonly RotatedUse[] = ['certificates', 'ledger', 'webhooks'];

interface Options {
  readonly what?: RotatedUse | 'all' | typeof CLIENT_SECRETS;
  readonly client?: string;
  readonly from?: Date;
  readonly list?: true;
  readonly json?: true;
}

/** `remit keys rotate`: replaces the platform's keys or clients' secrets, without a pause. */
export function rotateCommand(): Command {
  const command = new Command('rotate')
    .description(
      'Replace keys of the platform, or the secrets of clients. A new key is published at once. Every process uses ' +
        'it a minute later; an hour after that a server destroys the secret of the key before. What that key signed ' +
        'can be verified as before.',
    )
    .addOption(new Option('--what <keys>', 'which keys are replaced').choices([...uses, 'all', CLIENT_SECRETS]))
    .option('--client <client>', 'of clients only this one, by slug or id; with client-secrets')
    .addOption(
      new Option('--from <moment>', 'when it is used first, such as 2027-01-31; with client-secrets').argParser(moment),
    )
    .option('--list', 'only list every key, and when it is used')
    .option(
      '--json',
      'print a list of {"use","number","id","publicKey","usedFrom","usedUntil","destroyedAt"}; of client-secrets ' +
        '{"use","client","number","usedFrom","destroyedAt","epoch"}',
    )
    .addHelpText(
      'after',
      `
  certificates  sign certificates of erasures and records of epochs
  ledger        sign the checkpoints of the audit ledger; each new one is signed by the one before
  webhooks      seal the secrets of webhooks' endpoints; a recipient gets a new secret of its own by registerWebhook
  all           these three
  client-secrets  give blind indexes, cursors and pseudonyms. A server makes the indexes of all rows anew, and then
                destroys the secret before. It is used after ten minutes, or on the day of --from. Pseudonyms
                change then: tell partners before

Call it again, and it does first what is due: so it works without a server too.

Examples:
  $ remit keys rotate --what ledger
  $ remit keys rotate --what client-secrets --client acme --from 2027-01-31`,
    )
    .action(async ({ what, client, from, list, json }: Options) => {
      if (!what && !list)
        throw new CommandError('say which keys: --what certificates, ledger, webhooks, all or client-secrets', 2);
      if (what === CLIENT_SECRETS) return rotateSecrets({ client, from, list, json });
      if (client !== undefined || from !== undefined)
        throw new CommandError('--client and --from are for --what client-secrets only', 2);
      const wanted = what === undefined || what === 'all' ? uses : [what];
      const keys = await withStores(async ({ rotations, ledger, recorder }) => {
        try {
          if (list) return (await rotations.state()).filter(({ use }) => wanted.includes(use));
          await rotations.end();
          return await rotations.begin(wanted);
        } catch (error) {
          throw error instanceof RotationUnderWayError ? new CommandError(error.message) : error;
        } finally {
          await recorder.close();
          await ledger.close();
        }
      });
      process.stdout.write(json ? `${JSON.stringify(keys.map(shown), null, 2)}\n` : keys.map(describe).join(''));
    });
  return exitTwoOnUsageError(command);
}

const momentOf = (at: number | null | undefined): string | null =>
  at === null || at === undefined ? null : new Date(at).toISOString();

const shown = ({ use, number, id, publicKey, usedFrom, usedUntil, destroyedAt }: RotationState) => ({
  use,
  number,
  id,
  publicKey,
  usedFrom: momentOf(usedFrom),
  usedUntil: momentOf(usedUntil),
  destroyedAt: momentOf(destroyedAt),
});

function describe({ use, number, usedFrom, usedUntil, destroyedAt }: RotationState): string {
  const until = usedUntil === undefined ? '' : ` until ${momentOf(usedUntil)}`;
  const gone = destroyedAt === null ? '' : `, its secret destroyed ${momentOf(destroyedAt)}`;
  return `${use}: key ${number} is used from ${momentOf(usedFrom)}${until}${gone}\n`;
}
