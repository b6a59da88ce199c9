import { Command, InvalidArgumentError } from 'commander';
import { governContracts } from '../app';
import { type ReportFormat, reportFormats, write } from '../audit/reports/report';
import { ReportKind } from '../audit/reports/reports';
import { CommandError } from './failure';
import { moment } from './moments';
import { exitTwoOnUsageError } from './usage-errors';
import { withStores } from './with-stores';

interface ReportOptions {
  readonly client: string;
  readonly customer?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly format: ReportFormat;
}

const kinds: Readonly<Record<string, ReportKind>> = {
  'processing-record': ReportKind.PROCESSING_RECORD,
  'accounting-of-disclosures': ReportKind.ACCOUNTING_OF_DISCLOSURES,
  recipients: ReportKind.RECIPIENTS,
};

/** `remit audit report`: writes a report from the ledger to standard output. */
export function reportCommand(): Command {
  const command = new Command('report')
    .description('Write a report from the ledger: what was declared and done, or who received whose data.')
    .argument('<kind>', Object.keys(kinds).join(', '), kindOf)
    .requiredOption('--client <slug>', 'the client of the report')
    .option('--customer <id>', 'the person of the report')
    .option('--from <date>', 'start of the period (default: 30 days before its end)', moment)
    .option('--to <date>', 'end of the period (default: now)', moment)
    .option('--format <format>', reportFormats.join(', '), format, 'json')
    .addHelpText(
      'after',
      '\nExample:\n  $ remit audit report processing-record --client acme --format html > record.html',
    )
    .action(async (kind: ReportKind, { client: slug, customer, format: as, ...period }: ReportOptions) => {
      if (kind !== ReportKind.PROCESSING_RECORD && customer === undefined)
        throw new CommandError('this report is about one person: give --customer', 2);
      const report = await withStores(async (services, { keys }) => {
        const client = await services.clients.find(slug);
        if (!client) throw new CommandError(`there is no client "${slug}"`);
        const { contracts } = governContracts(services, keys, Buffer.alloc(32), () => undefined);
        return services.reports.make(
          { kind, client: client.id, customerId: customer, ...period },
          contracts.api.coordinates,
        );
      });
      process.stdout.write(write(report, as));
    });
  return exitTwoOnUsageError(command);
}

function kindOf(text: string): ReportKind {
  const kind = Object.hasOwn(kinds, text) ? kinds[text] : undefined;
  if (!kind) throw new InvalidArgumentError(`Reports are ${Object.keys(kinds).join(', ')}.`);
  return kind;
}

function format(text: string): ReportFormat {
  const known = reportFormats.find((name) => name === text);
  if (!known) throw new InvalidArgumentError(`Formats are ${reportFormats.join(', ')}.`);
  return known;
}
