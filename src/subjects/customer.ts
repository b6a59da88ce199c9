import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime } from '../api/date-time';
import { EmailAddress } from '../api/email-address';
import type { ProcessingPurpose } from '../governance/vocabulary';
import { requireCountry, requireIpAddress } from '../identity/checks';
import { ProcessingPurposeEnum } from '../identity/enums';
import { NonPersonal, PersonalData } from '../tenancy/personal-data';
import { Key, TenantTable } from '../tenancy/tenant-table';
import { country, digits, email, externalId, instant, ipAddress, text, words } from './import/field-types';
import { Importable } from './import/importable';
import {
  contact,
  demographic,
  identifier,
  moment,
  name,
  networkAddress,
  objection,
  origin,
  residence,
} from './policies';
import { PostalAddress, PostalAddressInput } from './postal-address';
import { Writable } from './writable-fields';

/** Why a person's processing is restricted: withheld for every purpose but LEGAL (GDPR Art. 18(2), 21). */
export const restrictionGrounds = {
  ACCURACY_CONTESTED: 'GDPR Art. 18(1)(a)',
  UNLAWFUL_PROCESSING: 'GDPR Art. 18(1)(b)',
  LEGAL_CLAIM: 'GDPR Art. 18(1)(c)',
  OBJECTION_PENDING: 'GDPR Art. 18(1)(d)',
  OBJECTION: 'GDPR Art. 21(1)',
} as const;
export type RestrictionGround = keyof typeof restrictionGrounds;

const ofResidency = 'The country whose law covers the person, ISO 3166-1 alpha-2.';

@TenantTable('customer', {
  subject: { kind: 'CUSTOMER', id: 'id' },
  erasure: 'DELETE',
  fence: { state: 'restriction', revision: 'revision' },
})
@ObjectType({
  description: 'A data subject: a person whose data a client keeps here (statement R1, C1).',
  simpleResolvers: true,
})
export class Customer {
  @Key()
  clientId: string;

  @Key()
  @PersonalData({ ...identifier, stored: { plain: 'id' } })
  @Field(() => ID, {
    description: 'A pseudonym where the purpose may not single the person out; that looks nothing up.',
  })
  id: string;

  @PersonalData({ ...name, stored: { sealed: true } })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  firstName: string | null;

  @PersonalData({ ...name, stored: { sealed: true } })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  lastName: string | null;

  @PersonalData({ ...contact, stored: { sealed: true, index: 'email' } })
  @Writable({ type: () => EmailAddress })
  @Importable(email)
  @Field(() => String, { nullable: true })
  email: string | null;

  @PersonalData({
    ...contact,
    stored: { sealed: true, index: 'phone', countries: ['residency', 'postalAddress'] },
  })
  @Writable()
  @Importable(digits(1_000))
  @Field(() => String, { nullable: true })
  phone: string | null;

  @PersonalData({ ...contact, stored: { sealed: true, index: 'socialHandle' } })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  socialHandle: string | null;

  @PersonalData({ ...networkAddress, stored: { sealed: true } })
  @Writable({ description: 'IPv4 or IPv6.', check: requireIpAddress })
  @Importable(ipAddress)
  @Field(() => String, { nullable: true })
  ipAddress: string | null;

  @PersonalData({ ...demographic, stored: { sealed: true } })
  @Writable()
  @Importable(words)
  @Field(() => String, { nullable: true })
  gender: string | null;

  @PersonalData({ ...contact, deidentify: {}, allow: [...residence.allow], stored: { sealed: true } })
  // It is written as a whole: what is left out of it is unknown from then on, the street too.
  @Writable({ type: () => PostalAddressInput, governedBy: 'PostalAddress.street' })
  @Importable(PostalAddress)
  @Field(() => PostalAddress, { nullable: true, description: 'Each of its fields has its own purposes.' })
  postalAddress: PostalAddress | null;

  @PersonalData({ ...residence, stored: { plain: { text: 2 } } })
  @Writable({ description: ofResidency, check: requireCountry })
  @Importable(country)
  @Field(() => String, { nullable: true, description: ofResidency })
  residency: string | null;

  @PersonalData({ ...origin, stored: { plain: { text: 255 } } })
  @Writable({
    description: 'Where the data comes from; the calling principal, if not said (C2).',
    limit: 255,
    onlyWhenCreated: true,
  })
  @Importable(text(100))
  @Field(() => String, { nullable: true, description: 'Where the data came from.' })
  source: string | null;

  @NonPersonal('names the import that the row came with (C2)', { plain: 'id' })
  importId: string | null;

  @PersonalData({
    ...identifier,
    deidentify: { IMPROVEMENT: 'PSEUDONYM' },
    stored: { sealed: true, index: 'externalId' },
  })
  @Writable({ description: "The person's id in the client's own system; it names one person.", limit: 200 })
  @Importable(externalId)
  @Field(() => String, { nullable: true, description: "The person's id in the client's own system." })
  externalId: string | null;

  @NonPersonal('tells apart people who share an external id without being shown to the same callers', {
    plain: 'count',
  })
  externalIdRank: number | null;

  @PersonalData({ ...moment, stored: { plain: 'instant' } })
  @Importable(instant)
  @Field(() => DateTime, { nullable: true })
  createdAt: Date | null;

  @PersonalData({ ...moment, stored: { plain: 'instant' } })
  @Field(() => DateTime, {
    nullable: true,
    description: 'When a decision about the person was last made by automated means (GDPR Art. 22).',
  })
  lastAutomatedDecisionAt: Date | null;

  @PersonalData({ ...objection, stored: { within: 'objectionMask' } })
  @Field(() => [ProcessingPurposeEnum], {
    nullable: true,
    description: 'What the person objects to being read for (GDPR Art. 21).',
  })
  objections: readonly ProcessingPurpose[] | null;

  /** The purposes that the person objects to, one bit each. */
  @NonPersonal('a state of processing', { plain: 'count' })
  objectionMask: number | null;

  @NonPersonal('a state of processing, shown by its effect only', { plain: { text: 30 } })
  restriction: RestrictionGround | null;

  @NonPersonal('a state of processing, shown by its effect only', { plain: 'instant' })
  restrictedAt: Date | null;

  @NonPersonal('counts writes about the person, so that none crosses an erasure', { plain: 'count' })
  revision: number | null;
}
