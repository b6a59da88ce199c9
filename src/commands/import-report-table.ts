import Table from 'cli-table3';
import type { ImportReport } from '../subjects/import/import-report';
import { counted } from './counted';

const plain = { style: { head: [], border: [], compact: true } };

/** The result of an import: the counts, where the rejects are, and how the file was read. */
export function reportText(report: ImportReport, kind: string, rejects: string | undefined): string {
  const { read, skipped, created, updated, unchanged, rejected, rejectedFields, encoding } = report;
  const of = counted(read, kind.slice(0, -1));
  const counts = `${of} read: ${created} created, ${updated} updated, ${unchanged} unchanged`;
  const lost = [
    ...(skipped > 0 ? [`${skipped} left out`] : []),
    ...(rejected > 0 ? [`${rejected} rejected`] : []),
    ...(rejectedFields > 0 ? [`${counted(rejectedFields, 'field')} left out of other rows`] : []),
  ];
  const lines = [`${[counts, ...lost].join(', ')}.`];
  if (rejects !== undefined && rejected + rejectedFields > 0) lines.push(`Line and reason of each: ${rejects}`);
  if (encoding.by === 'guess') {
    lines.push(`Read as ${encoding.name} (detected). If letters with accents are wrong, use --encoding.`);
  }
  return `${lines.join('\n')}\n`;
}

/** What an import would do. Shows no value of the file. */
export function dryRunText(report: ImportReport, kind: string): string {
  const outcomes = new Table({ head: [kind, 'rows'], colAligns: ['left', 'right'], ...plain });
  const { read, skipped, created, updated, unchanged, rejected, rejectedFields, reasons, unmapped, encoding } = report;
  outcomes.push(
    ['read', read],
    ['would be created', created],
    ['would be updated', updated],
    ['unchanged', unchanged],
    ['left out by the mapping', skipped],
    ['rejected', rejected],
    ['fields rejected in other rows', rejectedFields],
  );
  const parts = [outcomes.toString()];
  if (reasons.length > 0) {
    const why = new Table({ head: ['rejected', 'field', 'reason', 'times'], wordWrap: true, ...plain });
    for (const each of reasons) why.push([each.rejected, each.field ?? '', each.reason, each.count]);
    parts.push(why.toString());
  }
  parts.push(unmapped.length > 0 ? `Columns that are not used: ${unmapped.join(', ')}` : 'All columns are used.');
  parts.push(`Read as ${encoding.name}${encoding.by === 'guess' ? ' (detected)' : ''}. Nothing was written.`);
  return `${parts.join('\n')}\n`;
}
