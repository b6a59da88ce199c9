import type { ImportKind } from '../kinds';
import { type Mapping, mappingOf } from '../mapping';
import type { SourceFile } from '../source-file';
import { candidatesOf, mappingFor, presetKind } from './presets';

/**
 * A preset's mapping of the file at hand.
 * @param own what the caller maps otherwise, or besides
 * @throws {ImportUsageError} where the file is none of the product's exports
 */
export async function presetMapping(
  source: SourceFile,
  name: string,
  kind: ImportKind,
  own: Readonly<Record<string, unknown>>,
): Promise<Mapping> {
  const preset = presetKind(name, kind);
  const absent = new Set((await source.missing(candidatesOf(preset))).missing);
  const fields = mappingFor(name, kind, (column) => !absent.has(column), own);
  const { only } = preset;
  return mappingOf(fields, kind, `--from ${name}`, only && !absent.has(only.column) ? only : undefined);
}
