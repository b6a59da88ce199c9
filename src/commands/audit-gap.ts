import { Command } from 'commander';
import { GAP_ACKNOWLEDGED, type Gap } from '../audit/verification/gaps';
import { adoptRecords } from '../audit/verification/records';
import type { Services } from '../services';
import type { Stores } from '../stores';
import { describeFinding, verifyWhole } from './audit-verify';
import { collect } from './caller-options';
import { CommandError } from './failure';
import { exitTwoOnMisuse } from './misuse';
import { overStores } from './over-stores';

interface GapOptions {
  readonly by: string;
  readonly reason: string;
  readonly anchor: readonly string[];
  readonly json?: true;
}

/** `remit audit acknowledge-gap`: puts on record that the end of a log is lost, as after a restore. */
export function acknowledgeGapCommand(): Command {
  const command = new Command('acknowledge-gap')
    .description(
      'Put on record, signed, that entries are lost which were seen before: those that a backup does not have. After it ' +
        '"remit audit verify" is sound again and says so; whatever else is wrong with the ledger is accepted by nobody.',
    )
    .requiredOption('--by <name>', 'who accepts it')
    .requiredOption('--reason <text>', 'what happened, such as the backup that was put back')
    .option('--anchor <file>', 'an anchor file that saw what is lost; again for more', collect(String), [])
    .option('--json', 'print {"acknowledged"}')
    .addHelpText(
      'after',
      '\nExample:\n  $ remit audit acknowledge-gap --by ann@example.com --reason "backup of 2026-11-27 put back"',
    )
    .action(async (options: GapOptions) => {
      const acknowledged = await overStores((services, stores) => acknowledge(services, stores, options));
      if (options.json) process.stdout.write(`${JSON.stringify({ acknowledged })}\n`);
      else if (acknowledged.length === 0) process.stdout.write('There is no gap to acknowledge.\n');
      else for (const gap of acknowledged) process.stdout.write(`${described(gap)}\n`);
    });
  return exitTwoOnMisuse(command);
}

/** `remit audit adopt-records`: accepts rows as they are, whoever made them. */
export function adoptRecordsCommand(): Command {
  const command = new Command('adopt-records')
    .description(
      'Put on record, signed, that rows which "remit audit verify --records" names are right as they are: after an update ' +
        'from a version that kept no decisions, or when each of them was looked at.',
    )
    .requiredOption('--by <name>', 'who accepts them')
    .requiredOption('--reason <text>', 'why they are right')
    .option('--json', 'print {"adopted"}')
    .addHelpText('after', '\nExample:\n  $ remit audit adopt-records --by ann@example.com --reason "update from 0.1.0"')
    .action(async ({ by, reason, json }: Omit<GapOptions, 'anchor'>) => {
      requireWords(by, reason);
      const adopted = await overStores(async ({ references, trail, ledger }, { regions, keys }) => {
        const accepted = { by: by.trim(), reason: reason.trim() };
        const count = await adoptRecords({ regions, keys, references }, trail, accepted);
        await ledger.close();
        return count;
      });
      process.stdout.write(
        json ? `${JSON.stringify({ adopted })}\n` : `${adopted} records are accepted as they are.\n`,
      );
    });
  return exitTwoOnMisuse(command);
}

function requireWords(by: string, reason: string): void {
  if (by.trim() !== '' && reason.trim() !== '' && reason.length <= 500) return;
  throw new CommandError('--by and --reason must say who and why, in 500 characters at most', 2);
}

async function acknowledge(services: Services, stores: Stores, { by, reason, anchor, json }: GapOptions) {
  requireWords(by, reason);
  const whole = { anchor, witnessKey: [], tsaCert: [], ...(json ? { json } : {}) };
  const { report, forged } = await verifyWhole(services, stores, whole);
  const other = report.findings.filter(({ gap }) => gap === undefined);
  if (other.length > 0 || forged.length > 0) {
    const what = [...other.map(describeFinding), ...forged.map((log) => `log ${log}: its head is forged`)];
    throw new CommandError(`more is wrong than the end of a log, and nothing is acknowledged:\n${what.join('\n')}`);
  }
  const gaps = report.findings.flatMap(({ gap }) => gap ?? []);
  for (const gap of gaps) {
    const details = { ...gap, reason: reason.trim() };
    await services.trail.record(GAP_ACKNOWLEDGED, { principal: by.trim(), details });
  }
  await services.ledger.close();
  return gaps;
}

const described = ({ log, size, seen }: Gap): string =>
  `log ${log}: it is on record that entries ${size} to ${seen - 1} are lost`;
