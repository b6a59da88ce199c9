import { Directive } from 'type-graphql';
import type { DataSubject, Deidentification } from '../governance/vocabulary';
import { declareField, type PersonalDataOptions, type Storing } from './tenant-table';

/**
 * The one line in which a field's governance is said: it writes the schema's directives, makes the columns, and tells
 * erasure and the census about them (blueprint section 2).
 */
export function PersonalData(options: PersonalDataOptions): PropertyDecorator {
  return (target, property) => {
    // The last one applied is the first one printed.
    for (const directive of directivesOf(options).reverse()) Directive(directive)(target, property);
    declareField(target, { property: String(property), stored: options.stored, personal: options });
  };
}

/**
 * A field that leads to rows about subjects: a list, a connection, a look-up. What may be read of them decides whether
 * anybody is told of any; a schema in which rows are reached without it does not start.
 */
export function PersonalRows(subject: DataSubject = 'CUSTOMER'): PropertyDecorator & MethodDecorator {
  return Directive(`@personalRows(subject: ${subject})`);
}

/** A field that says nothing about a person, and why; `exposed` fields get the directive too. */
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
