import { countriesIn, formsOf, type Identifier } from '../identifiers/forms';
import type { IdentifierKind } from '../identifiers/kind';
import type { Row } from '../tenancy/tenant-reader';

/** An identifier by which a person is recognised. */
export const identifying = ['email', 'phone', 'socialHandle', 'externalId'] as const satisfies IdentifierKind[];

/** The fields of a customer with its identifiers. */
export const identifierFields: ReadonlySet<string> = new Set([...identifying, 'residency', 'postalAddress']);

/** The identifiers in a customer's row, or in an input for one. */
export function identifiersOf(row: Row): Identifier[] {
  const countries = countriesIn([row.residency, row.postalAddress]);
  return identifying.flatMap((kind) => {
    const value = row[kind];
    return typeof value === 'string' && value !== '' ? [{ kind, value, countries }] : [];
  });
}

/** The people who were erased. The erasure module implements it. */
export interface ErasedPeople {
  /** The identifiers that belong to a person who was erased, or is being erased. */
  erased<T extends Identifier>(client: string, identifiers: readonly T[]): Promise<T[]>;
  /** Whether there is anybody to compare with. */
  hasAny(client: string): Promise<boolean>;
}

/** A person before a change, if there was one, and after it. */
export interface IdentifierChange {
  readonly before?: Row | undefined;
  readonly after: Row;
}

/**
 * Finds erased people who would come back unnoticed: by an import, a workflow, a retried call, or merged into another
 * person by the source (docs/pitfalls.md, 28). All code that writes identifiers calls this first, once for a batch.
 *
 * @returns for each change, the identifiers that are new to the person and belonged to an erased one, in any spelling
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

/** The identifiers that the person did not have before in any spelling. */
function arriving({ before, after }: IdentifierChange): Identifier[] {
  const known = before ? identifiersOf(before) : [];
  return identifiersOf(after).filter(
    (each) => !known.some((one) => one.kind === each.kind && (one.value === each.value || isSame(one, each))),
  );
}

const isSame = (one: Identifier, other: Identifier): boolean => formsOf(one)?.stored === formsOf(other)?.stored;
