import { Command, Option } from 'commander';
import type { RotationState } from '../../key-rotations';
import type { RotatedUse } from '../../keys/rotation/rotating-key';
import { RotationUnderWayError } from '../../keys/rotation/rotating-keys';
import { CommandError } from '../failure';
import { exitTwoOnUsageError } from '../usage-errors';
import { withStores } from '../with-stores';

const uses: readonly RotatedUse[] = ['certificates', 'ledger', 'webhooks'];

interface Options {
  readonly what?: RotatedUse | 'all';
  readonly list?: true;
  readonly json?: true;
}

/** `remit keys rotate`: replaces the platform's keys, without a pause. */
export function rotateCommand(): Command {
  const command = new Command('rotate')
    .description(
      'Replace keys of the platform. A new key is published at once. Every process uses it a minute later; an hour ' +
        'after that a server destroys the secret of the key before. What that key signed can be verified as before.',
    )
    .addOption(new Option('--what <keys>', 'which keys are replaced').choices([...uses, 'all']))
    .option('--list', 'only list every key, and when it is used')
    .option('--json', 'print a list of {"use","number","id","publicKey","usedFrom","usedUntil","destroyedAt"}')
    .addHelpText(
      'after',
      `
  certificates  sign certificates of erasures and records of epochs
  ledger        sign the checkpoints of the audit ledger; each new one is signed by the one before
  webhooks      seal the secrets of webhooks' endpoints; a recipient gets a new secret of its own by registerWebhook

Example:
  $ remit keys rotate --what ledger`,
    )
    .action(async ({ what, list, json }: Options) => {
      if (!what && !list) throw new CommandError('say which keys: --what certificates, ledger, webhooks or all', 2);
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
