import { Directive } from 'type-graphql';
import { allPurposes, type DataSubject, type Deidentification, type ProcessingPurpose } from '../governance/vocabulary';
import { declareField, type PersonalDataOptions, type Storing } from './tenant-table';

/**
 * Declares a field of personal data, and all of its governance. The schema's directives and the columns follow from it.
 * Sealing, erasure, exports and the data inventory read it too (docs/design.md).
 */
export function PersonalData(options: PersonalDataOptions): PropertyDecorator {
  return (target, property) => {
    // Directives are printed in reverse order of application.
    for (const directive of directivesOf(options).reverse()) Directive(directive)(target, property);
    declareField(target, { property: String(property), stored: options.stored, personal: options });
  };
}

/** Options of a field that these purposes read in the clear, and every other one, also a later one, by this method. */
export function otherwise(
  method: Deidentification,
  allow: readonly ProcessingPurpose[],
): Required<Pick<PersonalDataOptions, 'allow' | 'deidentify'>> {
  const others = allPurposes.filter((purpose) => !allow.includes(purpose));
  return { allow, deidentify: Object.fromEntries(others.map((purpose) => [purpose, method])) };
}

/**
 * Declares a field that leads to rows about data subjects: a list, a connection, a look-up. Whoever may read nothing of
 * the rows does not learn that there are any. A schema that reaches such rows by another field does not start.
 */
export function PersonalRows(subject: DataSubject = 'CUSTOMER'): PropertyDecorator & MethodDecorator {
  return Directive(`@personalRows(subject: ${subject})`);
}

/** Declares a field that says nothing about a person, and why. */
export function NonPersonal(because: string, stored: Storing): PropertyDecorator {
  return (target, property) => {
    Directive(`@nonPersonal(because: ${JSON.stringify(because)})`)(target, property);
    declareField(target, { property: String(property), stored, because });
  };
}

function directivesOf(options: PersonalDataOptions): string[] {
  const { category, subject = 'CUSTOMER', allow, deidentify = {}, requiresAgreement, derivedFrom } = options;
  const domain = options.domain === undefined ? '' : `, domain: ${JSON.stringify(options.domain)}`;
  const byMethod = new Map<Deidentification, string[]>();
  for (const [purpose, method] of Object.entries(deidentify)) {
    byMethod.set(method, [...(byMethod.get(method) ?? []), purpose]);
  }
  return [
    `@personalData(category: ${category}, subject: ${subject})`,
    `@purposes(allow: [${allow.join(', ')}])`,
    ...[...byMethod].map(([method, purposes]) => {
      const within = method === 'PSEUDONYM' ? domain : '';
      return `@deidentify(for: [${purposes.join(', ')}], by: ${method}${within})`;
    }),
    ...(requiresAgreement ? [`@requiresAgreement(kind: ${requiresAgreement})`] : []),
    ...(derivedFrom ? [`@derivedFrom(fields: ${JSON.stringify(derivedFrom)})`] : []),
  ];
}
