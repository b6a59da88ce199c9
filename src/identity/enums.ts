import { registerEnumType } from 'type-graphql';
import { agreementKinds, dataCategories, deidentifications, processingPurposes } from '../governance/vocabulary';
import { roles } from './caller';

/** An object whose every key is its own value, as TypeScript's string enums are. */
function enumObject<K extends string>(values: Readonly<Record<K, unknown>>): { readonly [key in K]: key } {
  return Object.fromEntries(Object.keys(values).map((key) => [key, key])) as { readonly [key in K]: key };
}

/** A vocabulary as a GraphQL enum whose every value is its own name. */
export function register<K extends string>(name: string, description: string, values: Readonly<Record<K, unknown>>) {
  const object = enumObject(values);
  const valuesConfig = Object.fromEntries(
    Object.entries(values).map(([key, meaning]) => [key, { description: describe(meaning) }]),
  ) as { [key in K]: { description: string } };
  registerEnumType(object, { name, description, valuesConfig });
  return object;
}

function describe(meaning: unknown): string {
  return typeof meaning === 'string' ? meaning : ((meaning as { description?: string })?.description ?? '');
}

/* The vocabulary of the governance core as GraphQL enums of the API. */
export const ProcessingPurposeEnum = register(
  'ProcessingPurpose',
  'Why personal data is read (statement P1).',
  processingPurposes,
);
export const DataCategoryEnum = register('DataCategory', 'What a datum is.', dataCategories);
export const AgreementKindEnum = register(
  'AgreementKind',
  'Agreements between a client and the platform.',
  agreementKinds,
);
export const OutcomeEnum = register('Outcome', 'What becomes of a governed field in a request.', {
  CLEAR: 'Given as it is.',
  DEIDENTIFIED: 'Given in a form that does not identify.',
  WITHHELD: 'Not given.',
});
export const DeidentificationEnum = register('Deidentification', 'How a value is de-identified.', deidentifications);
export const HostingRegionEnum = register('HostingRegion', 'Where personal data is hosted (statement T1).', {
  EU: 'In the European Union.',
  US: 'In the United States.',
});
export const RoleEnum = register(
  'Role',
  'What a principal may be.',
  Object.fromEntries(roles.map((role) => [role, ''])),
);
