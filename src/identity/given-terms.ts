import { Field, InputType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { NonPersonal } from '../tenancy/personal-data';
import type { Storing } from '../tenancy/tenant-table';
import { DataCategoryEnum, ProcessingPurposeEnum } from './enums';

/**
 * What a grant and an instruction have in common: for what and how long a client gave it, why, and whether it still
 * holds.
 */
export interface GivenTerms {
  purpose: ProcessingPurpose;
  categories: DataCategory[] | null;
  reason: string;
  validFrom: Date;
  validTo: Date | null;
  withdrawnAt: Date | null;
  withdrawnReason: string | null;
  givenBy: string;
}

interface Shown {
  readonly stored: Storing;
  readonly type: () => unknown;
  readonly nullable?: true;
  readonly description?: string;
}

const text = () => String;
const moment = () => DateTime;

const fields: Readonly<Record<keyof GivenTerms, Shown>> = {
  purpose: { stored: { plain: { text: 30 } }, type: () => ProcessingPurposeEnum },
  categories: {
    stored: { plain: { list: 500 } },
    type: () => [DataCategoryEnum],
    nullable: true,
    description: 'The scope; null is every category.',
  },
  reason: { stored: { plain: { text: 500 } }, type: text },
  validFrom: { stored: { plain: 'instant' }, type: moment },
  validTo: { stored: { plain: 'instant' }, type: moment, nullable: true },
  withdrawnAt: { stored: { plain: 'instant' }, type: moment, nullable: true },
  withdrawnReason: { stored: { plain: { text: 500 } }, type: text, nullable: true },
  givenBy: { stored: { plain: { text: 255 } }, type: text, description: 'The principal that gave it.' },
};

/** The base of an entity that {@link HasGivenTerms} gives the columns and fields. */
export const givenTerms = class {} as new () => GivenTerms;

/** Gives an entity the columns and fields of {@link GivenTerms}. @param because why they say nothing about a person */
export function HasGivenTerms(because: string): ClassDecorator {
  return ({ prototype }) => {
    for (const [property, { stored, type, ...options }] of Object.entries<Shown>(fields)) {
      NonPersonal(because, stored)(prototype as object, property);
      Field(type as () => typeof String, options)(prototype as object, property);
    }
  };
}

/** The terms as a client gives them. */
@InputType()
export class GivenTermsInput {
  @Field(() => ProcessingPurposeEnum)
  purpose: ProcessingPurpose;

  @Field(() => String)
  reason: string;

  @Field(() => DateTime, { nullable: true, description: 'Now, if not said.' })
  validFrom?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Until withdrawn, if not said.' })
  validTo?: Date | null;
}
