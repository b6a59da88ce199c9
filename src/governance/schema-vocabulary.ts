import { type GraphQLSchema, isEnumType } from 'graphql';
import { agreementKinds, dataCategories, dataSubjects, processingPurposes } from './vocabulary';

/** Words with their descriptions. */
export type Terms = Readonly<Record<string, string | { readonly description: string }>>;

/** The words of a policy. The first subject is the default of directives that name none. */
export interface VocabularyTerms {
  /** Why personal data is read. */
  readonly purposes: Terms;
  /** What a datum is. */
  readonly categories: Terms;
  /** Whose datum it is. */
  readonly subjects: Terms;
  /** Agreements that may be required to be in force. */
  readonly agreements: Terms;
}

/** The words of a schema that defines none of its own. */
export const defaultVocabulary: VocabularyTerms = {
  purposes: processingPurposes,
  categories: dataCategories,
  subjects: dataSubjects,
  agreements: agreementKinds,
};

/** The enum that holds each kind of words. */
export const vocabularyEnums = {
  purposes: 'ProcessingPurpose',
  categories: 'DataCategory',
  subjects: 'DataSubject',
  agreements: 'AgreementKind',
} as const satisfies Record<keyof VocabularyTerms, string>;

const kinds = Object.keys(vocabularyEnums) as Array<keyof VocabularyTerms>;

/** The words of a schema's enums. An enum that it does not define has the default words. */
export function vocabularyOf(schema: GraphQLSchema): VocabularyTerms {
  const terms = Object.fromEntries(kinds.map((kind) => [kind, enumTerms(schema, kind) ?? defaultVocabulary[kind]]));
  return subjectFirst(schema, terms as unknown as VocabularyTerms);
}

function enumTerms(schema: GraphQLSchema, kind: keyof VocabularyTerms): Terms | undefined {
  const type = schema.getType(vocabularyEnums[kind]);
  if (!isEnumType(type)) return undefined;
  return Object.fromEntries(type.getValues().map(({ name, description }) => [name, description ?? '']));
}

/** Puts the default subject first: that of the schema's own @personalData, if it defines one. */
function subjectFirst(schema: GraphQLSchema, terms: VocabularyTerms): VocabularyTerms {
  const said = schema.getDirective('personalData')?.args.find(({ name }) => name === 'subject')?.defaultValue;
  const first = [said, ...Object.keys(defaultVocabulary.subjects)].find(
    (name): name is string => typeof name === 'string' && Object.hasOwn(terms.subjects, name),
  );
  if (first === undefined) return terms;
  const { [first]: meaning = '', ...others } = terms.subjects;
  return { ...terms, subjects: { [first]: meaning, ...others } };
}

/** Types of another kind that have the name of a vocabulary enum. */
export function vocabularyFaults(schema: GraphQLSchema): string[] {
  return kinds.flatMap((kind) => {
    const name = vocabularyEnums[kind];
    const type = schema.getType(name);
    if (type === undefined || isEnumType(type)) return [];
    return `${name}: it has to be the enum of ${kind}; rename the type, or make it that enum`;
  });
}
