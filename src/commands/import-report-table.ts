import Table from 'cli-table3';
import type { ImportReport } from '../subjects/import/import-report';

const plain = { style: { head: [], border: [], compact: true } };

/** What became of a file's rows, or would: a sentence, the reasons of what was left out, and how the file was read. */
export function reportText(report: ImportReport, kind: string, rejects: string | undefined): string {
  const { read, skipped, created, updated, unchanged, rejected, rejectedFields, encoding } = report;
  const counts = `${read} ${kind} read: ${created} created, ${updated} updated, ${unchanged} unchanged`;
  const lost = [
    ...(skipped > 0 ? [`${skipped} left out`] : []),
    ...(rejected > 0 ? [`${rejected} rejected`] : []),
    ...(rejectedFields > 0 ? [`${rejectedFields} fields left out of others`] : []),
  ];
  const lines = [`${[counts, ...lost].join(', ')}.`];
  if (rejects !== undefined && rejected + rejectedFields > 0) lines.push(`Line and reason of each: ${rejects}`);
  if (encoding.by === 'guess') {
    lines.push(`Read as ${encoding.name}, by likeness: where letters with accents came out wrong, say --encoding.`);
  }
  return `${lines.join('\n')}\n`;
}

/** What an import would do. No value of the file is in it. */
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
    ['fields rejected of other rows', rejectedFields],
  );
  const parts = [outcomes.toString()];
  if (reasons.length > 0) {
    const why = new Table({ head: ['rejected', 'field', 'reason', 'times'], wordWrap: true, ...plain });
    for (const each of reasons) why.push([each.rejected, each.field ?? '', each.reason, each.count]);
    parts.push(why.toString());
  }
  parts.push(
    unmapped.length > 0 ? `Columns that nothing is taken from: ${unmapped.join(', ')}` : 'All columns are mapped.',
  );
  parts.push(`Read as ${encoding.name}${encoding.by === 'guess' ? ', by likeness' : ''}. Nothing was written.`);
  return `${parts.join('\n')}\n`;
}
