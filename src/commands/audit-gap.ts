import { Command } from 'commander';
import { GAP_ACKNOWLEDGED, type Gap } from '../audit/verification/gaps';
import { adoptRecords } from '../audit/verification/records';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { describeFinding, verifyWhole } from './audit-verify';
import { collect } from './caller-options';
import { counted } from './counted';
import { CommandError } from './failure';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

interface GapOptions {
  readonly by: string;
  readonly reason: string;
  readonly anchor: readonly string[];
  readonly json?: true;
}

/** `remit audit acknowledge-gap`: records that the end of a log is lost, for example after a restore. */
export function acknowledgeGapCommand(): Command {
  const command = new Command('acknowledge-gap')
    .description(
      'Record, with a signature, that entries are lost which existed before, as after a restore from a backup. Then ' +
        '"remit audit verify" reports the ledger as sound again, with the gap. It accepts no other fault.',
    )
    .requiredOption('--by <name>', 'who accepts the gap')
    .requiredOption('--reason <text>', 'what happened, such as which backup was restored')
    .option('--anchor <file>', 'an anchor file that covers the lost entries; repeat for more', collect(String), [])
    .option('--json', 'print {"acknowledged"}')
    .addHelpText(
      'after',
      '\nExample:\n  $ remit audit acknowledge-gap --by ann@example.com --reason "backup of 2026-11-27 put back"',
    )
    .action(async (options: GapOptions) => {
      const acknowledged = await withStores((services, stores) => acknowledge(services, stores, options));
      if (options.json) process.stdout.write(`${JSON.stringify({ acknowledged })}\n`);
      else if (acknowledged.length === 0) process.stdout.write('There is no gap to acknowledge.\n');
      else for (const gap of acknowledged) process.stdout.write(`${described(gap)}\n`);
    });
  return exitTwoOnUsageError(command);
}

/** `remit audit adopt-records`: accepts rows without a recorded decision. */
export function adoptRecordsCommand(): Command {
  const command = new Command('adopt-records')
    .description(
      'Record, with a signature, that the rows which "remit audit verify --records" reports are right. For an update ' +
        'from a version that recorded no decisions, or after a person has checked each row.',
    )
    .requiredOption('--by <name>', 'who accepts them')
    .requiredOption('--reason <text>', 'why they are right')
    .option('--json', 'print {"adopted"}')
    .addHelpText('after', '\nExample:\n  $ remit audit adopt-records --by ann@example.com --reason "update from 0.1.0"')
    .action(async ({ by, reason, json }: Omit<GapOptions, 'anchor'>) => {
      requireReason(by, reason);
      const adopted = await withStores(async ({ references, recorder, ledger }, { regions, keys }) => {
        const accepted = { by: by.trim(), reason: reason.trim() };
        const count = await adoptRecords({ regions, keys, references }, recorder, accepted);
        await ledger.close();
        return count;
      });
      process.stdout.write(
        json
          ? `${JSON.stringify({ adopted })}\n`
          : `${counted(adopted, 'record is', 'records are')} accepted unchanged.\n`,
      );
    });
  return exitTwoOnUsageError(command);
}

function requireReason(by: string, reason: string): void {
  if (by.trim() !== '' && reason.trim() !== '' && reason.length <= 500) return;
  throw new CommandError('--by and --reason must not be empty, and --reason has at most 500 characters', 2);
}

async function acknowledge(services: Services, stores: Stores, { by, reason, anchor, json }: GapOptions) {
  requireReason(by, reason);
  const whole = { anchor, witnessKey: [], tsaCert: [], ...(json ? { json } : {}) };
  const { report, forged, keyFault } = await verifyWhole(services, stores, whole);
  const other = report.findings.filter(({ gap }) => gap === undefined);
  if (other.length > 0 || forged.length > 0 || keyFault !== undefined) {
    const what = [
      ...(keyFault === undefined ? [] : [keyFault]),
      ...other.map(describeFinding),
      ...forged.map((log) => `log ${log}: its checkpoint in the keys' store is forged`),
    ];
    throw new CommandError(`the ledger has other faults, so nothing was acknowledged:\n${what.join('\n')}`);
  }
  const gaps = report.findings.flatMap(({ gap }) => gap ?? []);
  for (const gap of gaps) {
    const details = { ...gap, reason: reason.trim() };
    await services.recorder.record(GAP_ACKNOWLEDGED, { principal: by.trim(), details });
  }
  await services.ledger.close();
  return gaps;
}

const described = ({ log, size, seen }: Gap): string =>
  `log ${log}: recorded that entries ${size} to ${seen - 1} are lost`;
