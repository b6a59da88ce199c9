import type { GovernedCoordinate } from '../governance/govern';
import { allPurposes } from '../governance/vocabulary';

/** The policy of each governed field as a Markdown table. Fields of a type with the same policy share a row. */
export function policyTable(coordinates: readonly GovernedCoordinate[]): string {
  const rows = new Map<string, { type: string; fields: string[]; rest: readonly string[] }>();
  for (const governed of coordinates.toSorted((a, b) => (a.coordinate < b.coordinate ? -1 : 1))) {
    const [type = '', field = ''] = governed.coordinate.split('.');
    const rest = [
      governed.category ?? '',
      ...allPurposes.map((purpose) => outcome(governed, purpose)),
      needs(governed),
    ];
    const key = JSON.stringify([type, rest]);
    const row = rows.get(key) ?? { type, fields: [], rest };
    row.fields.push(`\`${field}\``);
    rows.set(key, row);
  }
  const head = ['type', 'fields', 'category', ...allPurposes, 'needs'];
  const lines = [...rows.values()].map(({ type, fields, rest }) => line([type, fields.join(' '), ...rest]));
  return [line(head), line(head.map(() => '---')), ...lines].join('\n');
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function outcome({ deidentify, allow, derivedFrom, rows }: GovernedCoordinate, purpose: (typeof allPurposes)[number]) {
  const method = deidentify[purpose];
  if (method) return `≈ ${method}`;
  if (allow.includes(purpose)) return rows ? 'given' : 'clear';
  return derivedFrom.length > 0 && allow.length === 0 ? 'as its sources' : '—';
}

function needs({ requiresAgreement, requiresScopes, derivedFrom }: GovernedCoordinate): string {
  return [
    ...requiresAgreement.map((kind) => `${kind} agreement`),
    ...requiresScopes.map((alternatives) => `scope ${alternatives.map((all) => all.join(' + ')).join(' or ')}`),
    ...(derivedFrom.length > 0 ? [`from ${derivedFrom.join(', ')}`] : []),
  ].join('; ');
}
