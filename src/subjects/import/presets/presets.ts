import { ImportUsageError } from '../errors';
import { type ImportKind, keyOf, parentsOf } from '../kinds';
import { ORDINAL } from '../mapping';
import { chinook } from './chinook';
import { hubspot } from './hubspot';
import type { Preset, PresetKind, Source } from './preset';
import { salesforce } from './salesforce';
import { shopify } from './shopify';
import { woocommerce } from './woocommerce';
import { zendesk } from './zendesk';

/** The products whose exports are known, by name. */
export const presets: Readonly<Record<string, Preset>> = {
  hubspot,
  salesforce,
  zendesk,
  shopify,
  woocommerce,
  chinook,
};

/** @throws {ImportUsageError} where no export of this kind is known for the product */
export function presetKind(name: string, kind: ImportKind): PresetKind {
  const preset = presets[name];
  const found = preset?.kinds[kind];
  if (found) return found;
  const right = Object.keys(preset?.kinds ?? {}).join(', ');
  throw new ImportUsageError(`${preset?.product ?? name} has no ${kind} that are known; there are ${right}`);
}

/** The columns of all versions of an export. */
export const candidatesOf = ({ fields, only }: PresetKind): string[] => [
  ...new Set([...Object.values(fields).flat().flatMap(columnsOf), ...(only ? [only.column] : [])]),
];

/**
 * The mapping for a file: for each field the first source that the file has.
 * @param has whether the file has a column
 * @param own the caller's own mapping, which wins; null removes a field
 * @throws {ImportUsageError} where the file lacks the columns that identify rows
 */
export function mappingFor(
  name: string,
  kind: ImportKind,
  has: (column: string) => boolean,
  own: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const preset = presetKind(name, kind);
  const mapping: Record<string, unknown> = { ...own };
  for (const [field, sources] of Object.entries(preset.fields)) {
    const source = sources.find((each) => columnsOf(each).every(has));
    if (source !== undefined && !Object.hasOwn(own, field)) mapping[field] = source;
  }
  for (const [field, source] of Object.entries(own)) if (source === null) delete mapping[field];
  const parents = parentsOf(kind);
  const given = Object.keys(mapping).filter((field) => parents.includes(field));
  for (const surplus of given.slice(1)) delete mapping[surplus];
  for (const needed of [[keyOf(kind)], parents]) {
    if (needed.length === 0 || needed.some((field) => Object.hasOwn(mapping, field))) continue;
    const columns = needed.flatMap((field) => preset.fields[field] ?? []).flatMap(columnsOf);
    const names = [...new Set(columns)].map((column) => `"${column}"`).join(', ');
    throw new ImportUsageError(
      `the file has none of the columns ${names}, by which rows of ${preset.export} are known`,
    );
  }
  return mapping;
}

function columnsOf(source: Source): readonly string[] {
  if (typeof source === 'string') return [source];
  if ('value' in source) return [];
  if ('column' in source) return [source.column];
  return source.filter((column) => column !== ORDINAL);
}

/** A preset's sources, as help and documentation show them. */
export function describePreset(name: string): string {
  const { product, kinds } = presets[name] as Preset;
  const parts = Object.entries(kinds).map(([kind, { export: file, fields, note }]) => {
    const lines = Object.entries(fields).map(
      ([field, sources]) => `    ${field.padEnd(26)} ${sources.map(written).join(', or ')}`,
    );
    return [`  --as ${kind}: ${file}`, ...(note ? [`    ${note}`] : []), ...lines].join('\n');
  });
  return `What --from ${name} takes of ${product}:\n${parts.join('\n')}`;
}

function written(source: Source): string {
  if (typeof source === 'string') return source;
  if ('value' in source) return `always ${source.value}`;
  if ('column' in source) return source.column;
  return source.map((column) => (column === ORDINAL ? 'its number' : column)).join(' + ');
}
