import { enumOf } from '../api/enum-of';
import { agreementKinds, dataCategories, deidentifications, processingPurposes } from '../governance/vocabulary';
import { roles } from './caller';

/* The vocabulary of the governance core as GraphQL enums of the API. */
export const ProcessingPurposeEnum = enumOf(
  'ProcessingPurpose',
  'Why personal data is read (statement P1).',
  processingPurposes,
);
export const DataCategoryEnum = enumOf('DataCategory', 'What a datum is.', dataCategories);
export const AgreementKindEnum = enumOf(
  'AgreementKind',
  'Agreements between a client and the platform.',
  agreementKinds,
);
export const OutcomeEnum = enumOf('Outcome', 'What becomes of a governed field in a request.', {
  CLEAR: 'Given as it is.',
  DEIDENTIFIED: 'Given in a form that does not identify.',
  WITHHELD: 'Not given.',
});
export const DeidentificationEnum = enumOf('Deidentification', 'How a value is de-identified.', deidentifications);
export const HostingRegionEnum = enumOf('HostingRegion', 'Where personal data is hosted (statement T1).', {
  EU: 'In the European Union.',
  US: 'In the United States.',
});
export const RoleEnum = enumOf('Role', 'What a principal may be.', Object.fromEntries(roles.map((role) => [role, ''])));
