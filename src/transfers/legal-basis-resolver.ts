import { Arg, Ctx, Directive, Field, ID, Mutation, ObjectType, Query, Resolver } from 'type-graphql';
import { DateTime } from '../api/date-time';
import type { DataCategory, ProcessingPurpose } from '../governance/vocabulary';
import { Leaves } from '../identity/entry-declarations';
import { DataCategoryEnum, ProcessingPurposeEnum } from '../identity/enums';
import type { RecipientKind } from '../identity/recipient';
import { type RequestContext, requireRole } from '../identity/request-context';
import { overseers, platformOfficers } from '../identity/roles';
import { countryName, legalBases } from '../law/law';
import { CertifyRecipientInput, RecipientCertification, TransferRecipientKindEnum } from '../register/certification';
import { Client } from '../register/client';
import { Proposal } from '../register/proposal';
import { certifyRecipient } from './certifying';
import { LegalBasisSuspension } from './legal-basis-suspension';
import type { TransfersModule } from './module';
import { presented } from './presented-approval';
import type { Impact } from './suspension-impact';
import { windowOf } from './suspensions';
import { TransferApproval } from './transfer-approval';
import { ReinstateLegalBasisInput, SuspendLegalBasisInput } from './transfer-inputs';

@ObjectType({ description: 'A country.', simpleResolvers: true })
class NamedCountry {
  @Field(() => String, { description: 'ISO 3166-1 alpha-2.' })
  code: string;

  @Field(() => String, { description: 'In English.' })
  name: string;
}

@ObjectType({ description: 'What a suspension may name.', simpleResolvers: true })
class LegalBasis {
  @Field(() => String)
  basis: string;

  @Field(() => String)
  title: string;

  @Field(() => [NamedCountry], { description: 'Countries that it carries transfers to, where it names any.' })
  destinations: NamedCountry[];
}

@ObjectType({ description: 'Somebody to whom data goes.', simpleResolvers: true })
class AffectedRecipient {
  @Field(() => TransferRecipientKindEnum)
  kind: RecipientKind;

  @Field(() => ID)
  id: string;

  @Field(() => String)
  name: string;
}

@ObjectType({ description: 'Reads that stop.', simpleResolvers: true })
class AffectedOperation {
  @Field(() => Client)
  client: Client;

  @Field(() => AffectedRecipient)
  recipient: AffectedRecipient;

  @Field(() => String, { description: 'Where the recipient reads.' })
  destination: string;

  @Field(() => [ProcessingPurposeEnum])
  purposes: ProcessingPurpose[];

  @Field(() => [DataCategoryEnum])
  categories: DataCategory[];

  @Field(() => [String], { description: 'Countries whose people it is about, where one is recorded.' })
  residencies: string[];
}

@ObjectType({
  description: 'What a suspension stops, as far as the register and the approvals tell.',
  simpleResolvers: true,
})
class SuspensionImpact {
  @Field(() => LegalBasisSuspension, { nullable: true, description: 'The suspension; a preview makes none.' })
  suspension: LegalBasisSuspension | null;

  @Field(() => [Client])
  clients: Client[];

  @Field(() => [AffectedRecipient])
  recipients: AffectedRecipient[];

  @Field(() => [AffectedOperation])
  operations: AffectedOperation[];

  @Field(() => [TransferApproval], { description: 'Approvals that rest on the basis.' })
  transfers: TransferApproval[];
}

@ObjectType({ simpleResolvers: true })
class LegalBasisSuspensionPayload {
  @Field(() => LegalBasisSuspension)
  suspension: LegalBasisSuspension;
}

@ObjectType({ simpleResolvers: true })
class RecipientCertificationsPayload {
  @Field(() => [RecipientCertification], { description: 'Those that count now.' })
  certifications: RecipientCertification[];

  @Field(() => Proposal, { nullable: true, description: 'What another person has to confirm before it counts.' })
  proposal: Proposal | null;
}

/** Legal bases of transfers for the whole platform: what there is, what is suspended, who is certified. */
@Resolver()
export class LegalBasisResolver {
  constructor(private readonly module: TransfersModule) {}

  @Query(() => [LegalBasis], { description: 'Legal bases of transfers, as suspensions name them.' })
  legalBases(): LegalBasis[] {
    return [...legalBases(this.module.law)].map(([basis, { title, destinations }]) => ({
      basis,
      title,
      destinations: destinations.map((code) => ({ code, name: countryName(code) })),
    }));
  }

  @Query(() => [LegalBasisSuspension], { description: 'Suspensions, those that were lifted included.' })
  async legalBasisSuspensions(@Ctx() context: RequestContext): Promise<LegalBasisSuspension[]> {
    requireRole(context, ...overseers);
    return this.module.suspensions.list();
  }

  @Query(() => SuspensionImpact, { description: 'What suspending a legal basis would stop; nothing is done.' })
  async previewSuspension(
    @Ctx() context: RequestContext,
    @Directive('@nonPersonal(because: "a legal basis")') @Arg('basis', () => String) basis: string,
    @Directive('@nonPersonal(because: "when a legal basis ends")')
    @Arg('from', () => DateTime, { nullable: true })
    from?: Date,
  ): Promise<SuspensionImpact> {
    requireRole(context, ...platformOfficers);
    const impact = await this.module.killSwitch.preview(basis, from?.getTime() ?? Date.now());
    return this.#impact(impact, null);
  }

  @Mutation(() => SuspensionImpact, {
    description: 'Stops every transfer that rests on a legal basis, from a moment on, and notifies the clients.',
  })
  @Leaves('LEGAL_BASIS_SUSPENDED')
  async suspendLegalBasis(
    @Arg('input', () => SuspendLegalBasisInput) input: SuspendLegalBasisInput,
    @Ctx() context: RequestContext,
  ): Promise<SuspensionImpact> {
    requireRole(context, ...platformOfficers);
    const from = input.from?.getTime() ?? Date.now();
    const { killSwitch } = this.module;
    const { impact, suspension } = await killSwitch.suspend(input.basis, from, input.reason, context.claims.subject);
    return this.#impact(impact, suspension);
  }

  @Mutation(() => LegalBasisSuspensionPayload, { description: 'Lets a suspended legal basis count again.' })
  @Leaves('LEGAL_BASIS_REINSTATED')
  async reinstateLegalBasis(
    @Arg('input', () => ReinstateLegalBasisInput) { id, from, reason }: ReinstateLegalBasisInput,
    @Ctx() context: RequestContext,
  ): Promise<LegalBasisSuspensionPayload> {
    requireRole(context, ...platformOfficers);
    const at = from?.getTime() ?? Date.now();
    return { suspension: await this.module.suspensions.reinstate(id, at, reason, context.claims.subject) };
  }

  @Query(() => [RecipientCertification], { description: 'Certifications of recipients, public to everyone.' })
  recipientCertifications(): Promise<RecipientCertification[]> {
    return this.module.certifications.all();
  }

  @Mutation(() => RecipientCertificationsPayload, {
    description:
      "Records the certifications of a recipient. What adds to the platform's own is proposed: " +
      'another person confirms it.',
  })
  @Leaves('RECIPIENT_CERTIFIED', 'PROPOSED')
  async certifyRecipient(
    @Arg('input', () => CertifyRecipientInput) { kind, id, certifications }: CertifyRecipientInput,
    @Ctx() context: RequestContext,
  ): Promise<RecipientCertificationsPayload> {
    requireRole(context, ...platformOfficers);
    const { reference } = await this.module.recipients.find(kind, id, context.client?.id ?? id ?? undefined);
    const proposal = await certifyRecipient(this.module, reference, certifications, context.claims.subject);
    return { certifications: await this.module.certifications.of(reference), proposal };
  }

  async #impact(impact: Impact, suspension: LegalBasisSuspension | null): Promise<SuspensionImpact> {
    const suspensions = (await this.module.suspensions.list()).map(windowOf);
    const operations = impact.operations.map(
      ({ client, recipient, recipientName, destination, purposes, categories, residencies }) => ({
        client,
        recipient: { ...recipient, name: recipientName },
        destination,
        purposes: [...purposes],
        categories: [...categories],
        residencies: residencies.filter((country) => country !== null),
      }),
    );
    const recipients = new Map(operations.map(({ recipient }) => [`${recipient.kind} ${recipient.id}`, recipient]));
    for (const { recipientKind, recipientId, clientId } of impact.transfers) {
      const key = `${recipientKind} ${recipientId}`;
      if (recipients.has(key)) continue;
      const { reference, name } = await this.module.recipients.find(recipientKind, recipientId, clientId);
      recipients.set(key, { ...reference, name });
    }
    return {
      suspension,
      clients: [...impact.clients],
      recipients: [...recipients.values()],
      operations,
      transfers: impact.transfers.map((one) => presented(this.module.law, one, suspensions, Date.now())),
    };
  }
}
