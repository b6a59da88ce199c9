import { countriesIn, formsOf, type Identifier } from '../identifiers/forms';
import type { IdentifierKind } from '../identifiers/kind';
import type { Row } from '../tenancy/tenant-reader';

/** What a person is known again by. */
export const identifying = ['email', 'phone', 'socialHandle', 'externalId'] as const satisfies IdentifierKind[];

/** The fields of a customer that its identifiers follow from. */
export const identifierFields: ReadonlySet<string> = new Set([...identifying, 'residency', 'postalAddress']);

/** What a customer's row, or an input for one, identifies the person by. */
export function identifiersOf(row: Row): Identifier[] {
  const countries = countriesIn([row.residency, row.postalAddress]);
  return identifying.flatMap((kind) => {
    const value = row[kind];
    return typeof value === 'string' && value !== '' ? [{ kind, value, countries }] : [];
  });
}

/** Who does not come back unsaid; the room of erasure knows them. */
export interface ErasedPeople {
  /** Those of the identifiers that belong to somebody who was erased, or is being. */
  erased<T extends Identifier>(client: string, identifiers: readonly T[]): Promise<T[]>;
  /** Whether there is anybody to compare with at all. */
  hasAny(client: string): Promise<boolean>;
}

/** A person as it was, where it was there, and as it is to be. */
export interface IdentifierChange {
  readonly before?: Row | undefined;
  readonly after: Row;
}

/**
 * Whoever was erased does not come back unsaid: by an import, a workflow, a retried call, nor as data of somebody else
 * whom a source has merged with them (pitfall 28). Every room that writes identifiers asks this first; it is one look-up
 * for a whole batch.
 *
 * @returns by change, the identifiers new to the person that belonged to somebody who was erased, in any spelling
 */
export async function erasedIdentifiers<T extends IdentifierChange>(
  people: ErasedPeople | undefined,
  client: string,
  changes: readonly T[],
): Promise<Map<T, IdentifierKind[]>> {
  const found = new Map<T, IdentifierKind[]>();
  if (!people) return found;
  const asked = changes.flatMap((change) => arriving(change).map((identifier) => ({ ...identifier, change })));
  for (const { change, kind } of await people.erased(client, asked)) {
    found.set(change, [...(found.get(change) ?? []), kind]);
  }
  return found;
}

/** What the person did not have before in any spelling. */
function arriving({ before, after }: IdentifierChange): Identifier[] {
  const known = before ? identifiersOf(before) : [];
  return identifiersOf(after).filter(
    (each) => !known.some((one) => one.kind === each.kind && (one.value === each.value || isSame(one, each))),
  );
}

const isSame = (one: Identifier, other: Identifier): boolean => formsOf(one)?.stored === formsOf(other)?.stored;
