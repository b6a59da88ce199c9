import { type GraphQLSchema, isEnumType } from 'graphql';
import { agreementKinds, dataCategories, dataSubjects, processingPurposes } from './vocabulary';

/** A word with what it means, or with a term that says so beside other things. */
export type Terms = Readonly<Record<string, string | { readonly description: string }>>;

/** The words of a policy. The first subject is the one that a directive means which names none. */
export interface VocabularyTerms {
  /** Why personal data is read. */
  readonly purposes: Terms;
  /** What a datum is. */
  readonly categories: Terms;
  /** Whose datum it is. */
  readonly subjects: Terms;
  /** What may have to be in force between a client and whoever processes for it. */
  readonly agreements: Terms;
}

/** The words of a schema where it defines none of its own. */
export const defaultVocabulary: VocabularyTerms = {
  purposes: processingPurposes,
  categories: dataCategories,
  subjects: dataSubjects,
  agreements: agreementKinds,
};

/** Which enum of the schema holds which words. */
export const vocabularyEnums = {
  purposes: 'ProcessingPurpose',
  categories: 'DataCategory',
  subjects: 'DataSubject',
  agreements: 'AgreementKind',
} as const satisfies Record<keyof VocabularyTerms, string>;

const kinds = Object.keys(vocabularyEnums) as Array<keyof VocabularyTerms>;

/** The words of a schema's own enums; the default ones of each enum that it does not define. */
export function vocabularyOf(schema: GraphQLSchema): VocabularyTerms {
  const terms = Object.fromEntries(kinds.map((kind) => [kind, enumTerms(schema, kind) ?? defaultVocabulary[kind]]));
  return subjectFirst(schema, terms as unknown as VocabularyTerms);
}

function enumTerms(schema: GraphQLSchema, kind: keyof VocabularyTerms): Terms | undefined {
  const type = schema.getType(vocabularyEnums[kind]);
  if (!isEnumType(type)) return undefined;
  return Object.fromEntries(type.getValues().map(({ name, description }) => [name, description ?? '']));
}

/** A schema that defines @personalData itself says whom it means by default. */
function subjectFirst(schema: GraphQLSchema, terms: VocabularyTerms): VocabularyTerms {
  const said = schema.getDirective('personalData')?.args.find(({ name }) => name === 'subject')?.defaultValue;
  const first = [said, ...Object.keys(defaultVocabulary.subjects)].find(
    (name): name is string => typeof name === 'string' && Object.hasOwn(terms.subjects, name),
  );
  if (first === undefined) return terms;
  const { [first]: meaning = '', ...others } = terms.subjects;
  return { ...terms, subjects: { [first]: meaning, ...others } };
}

/** Types that stand where an enum of the vocabulary belongs. */
export function vocabularyFaults(schema: GraphQLSchema): string[] {
  return kinds.flatMap((kind) => {
    const name = vocabularyEnums[kind];
    const type = schema.getType(name);
    if (type === undefined || isEnumType(type)) return [];
    return `${name}: it has to be the enum of ${kind}; rename the type, or make it that enum`;
  });
}
