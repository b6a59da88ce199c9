import { defaultVocabulary, type Terms, type VocabularyTerms, vocabularyEnums } from './schema-vocabulary';
import { deidentifications, filterOperators } from './vocabulary';

function enumeration(name: string, about: string, values: Terms): string {
  const lines = Object.entries(values).map(([value, meaning]) => {
    const description = typeof meaning === 'string' ? meaning : meaning.description;
    return description === '' ? `  ${value}` : `  ${JSON.stringify(description)}\n  ${value}`;
  });
  return `${JSON.stringify(about)}\nenum ${name} {\n${lines.join('\n')}\n}\n`;
}

/** The directives without the enums of their arguments. */
const directiveTypeDefs = (subject: string) =>
  `
"This field holds personal data of the category, about the subject."
directive @personalData(category: DataCategory!, subject: DataSubject! = ${subject}) on FIELD_DEFINITION

"The field leads to rows about subjects: whoever may read nothing of them for the stated purpose is not told of any."
directive @personalRows(subject: DataSubject! = ${subject}) on FIELD_DEFINITION

"The purposes that may read the field in the clear. None stated, none allowed."
directive @purposes(allow: [ProcessingPurpose!]!) on FIELD_DEFINITION

"""
For these purposes the field is given de-identified. It wins over @purposes where both name one. Equal values have equal
pseudonyms within one domain: the field's own, Type.field, unless it names what its value identifies, as a customerId
does by domain: "Customer.id".
"""
directive @deidentify(for: [ProcessingPurpose!]!, by: Deidentification!, domain: String) repeatable on FIELD_DEFINITION

"An agreement of this kind must be in force. HEALTH: a HIPAA business associate agreement."
directive @requiresAgreement(kind: AgreementKind!) on FIELD_DEFINITION

"Scopes the caller must hold: inner lists AND, outer list OR (Apollo Federation's meaning)."
directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT

"The field says nothing about a person, or the argument reads nothing of one, and why."
directive @nonPersonal(because: String!) on FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION

"A computed field: it inherits the strictest of its sources, each 'field' of its own type or 'Type.field'."
directive @derivedFrom(fields: [String!]!) on FIELD_DEFINITION

"Using this argument reads the field: it is refused unless the field is CLEAR, and only with these operators."
directive @governedBy(field: String!, operators: [FilterOperator!]) on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION

"The purpose of this operation, as its caller states it."
directive @purpose(is: ProcessingPurpose!) on QUERY | MUTATION | SUBSCRIPTION
`.trimStart();

/**
 * The directives and their enums as SDL, with your own words. What is left out has the default words.
 * @example
 * ```ts
 * import { buildSchema } from 'graphql';
 * import { govern, governanceTypeDefsFor } from '@remit/governance';
 *
 * const schema = buildSchema(`
 *   ${governanceTypeDefsFor({
 *     purposes: { FRAUD_DETECTION: 'Finding payments that a customer did not make.' },
 *     categories: { ACCOUNT: 'What a customer has and owes.' },
 *     subjects: { ACCOUNT_HOLDER: 'Whose account it is.' },
 *   })}
 *   type Query { account: Account @personalRows }
 *   type Account { iban: String @personalData(category: ACCOUNT) @purposes(allow: [FRAUD_DETECTION]) }
 * `);
 * console.log(govern(schema).coordinates.map(({ coordinate, allow }) => `${coordinate} ${allow}`).join(', '));
 * // Query.account FRAUD_DETECTION, Account.iban FRAUD_DETECTION
 * ```
 */
export function governanceTypeDefsFor(vocabulary: Partial<VocabularyTerms> = {}): string {
  const { purposes, categories, subjects, agreements } = { ...defaultVocabulary, ...vocabulary };
  const [subject] = Object.keys(subjects);
  if (subject === undefined) throw new Error('a vocabulary has at least one subject');
  return [
    directiveTypeDefs(subject),
    enumeration(vocabularyEnums.purposes, 'Why personal data is read (statement P1).', purposes),
    enumeration(vocabularyEnums.categories, 'What a datum is.', categories),
    enumeration(vocabularyEnums.subjects, 'Whose datum it is.', subjects),
    enumeration('Deidentification', 'How a value is de-identified.', deidentifications),
    enumeration(vocabularyEnums.agreements, 'Agreements between a client and the platform.', agreements),
    enumeration('FilterOperator', 'What an argument does with the field that it reads.', filterOperators),
  ].join('\n');
}

/** The directives and their enums as SDL with the default words, to be added to a schema's own type definitions. */
export const governanceTypeDefs: string = governanceTypeDefsFor();
