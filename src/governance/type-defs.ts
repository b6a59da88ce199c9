import {
  agreementKinds,
  dataCategories,
  dataSubjects,
  deidentifications,
  filterOperators,
  processingPurposes,
} from './vocabulary';

function enumeration(name: string, about: string, values: Record<string, string | { description: string }>): string {
  const lines = Object.entries(values).map(([value, meaning]) => {
    const description = typeof meaning === 'string' ? meaning : meaning.description;
    return `  ${JSON.stringify(description)}\n  ${value}`;
  });
  return `${JSON.stringify(about)}\nenum ${name} {\n${lines.join('\n')}\n}\n`;
}

/** The directives alone; their enums are in {@link governanceTypeDefs} beside them. */
const directiveTypeDefs = `
"This field holds personal data of the category, about the subject."
directive @personalData(category: DataCategory!, subject: DataSubject! = CUSTOMER) on FIELD_DEFINITION

"The field leads to rows about subjects: whoever may read nothing of them for the stated purpose is not told of any."
directive @personalRows(subject: DataSubject! = CUSTOMER) on FIELD_DEFINITION

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

/** The directives of Remit and their enums as SDL, to be put beside a schema's own type definitions. */
export const governanceTypeDefs: string = [
  directiveTypeDefs,
  enumeration('ProcessingPurpose', 'Why personal data is read (statement P1).', processingPurposes),
  enumeration('DataCategory', 'What a datum is.', dataCategories),
  enumeration('DataSubject', 'Whose datum it is.', dataSubjects),
  enumeration('Deidentification', 'How a value is de-identified.', deidentifications),
  enumeration('AgreementKind', 'Agreements between a client and the platform.', agreementKinds),
  enumeration('FilterOperator', 'What an argument does with the field that it reads.', filterOperators),
].join('\n');
