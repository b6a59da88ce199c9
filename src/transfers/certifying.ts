import type { RecipientReference } from '../identity/recipient';
import type { CertificationInput } from '../register/certification';
import type { Proposal } from '../register/proposal';
import type { TransfersModule } from './module';

/**
 * Records a recipient's certifications. What adds to the platform's own is only proposed: a second person confirms it.
 * Removing one takes effect at once.
 * @returns the proposal, where one has to be confirmed
 */
export async function certifyRecipient(
  { certifications, proposals }: Pick<TransfersModule, 'certifications' | 'proposals'>,
  recipient: RecipientReference,
  wanted: readonly CertificationInput[],
  principal: string,
): Promise<Proposal | null> {
  const held = (await certifications.of(recipient)).map(({ framework, validFrom, validTo }) =>
    said({ framework, from: new Date(validFrom), to: validTo === null ? null : new Date(validTo) }),
  );
  const adds = wanted.some((one) => !held.includes(said(one)));
  if (recipient.kind !== 'PLATFORM' || !adds) {
    await certifications.certify(recipient, wanted, principal);
    return null;
  }
  // Fails now rather than when it is confirmed.
  await certifications.draft(recipient, wanted);
  return proposals.propose('CERTIFY_RECIPIENT', null, { certifications: wanted }, principal);
}

/** The certifications in the terms of a proposal. */
export function proposedCertifications(terms: string): CertificationInput[] {
  const { certifications } = JSON.parse(terms) as {
    certifications: Array<Omit<CertificationInput, 'from' | 'to'> & { from: string; to?: string | null }>;
  };
  return certifications.map(({ framework, from, to }) => ({
    framework,
    from: new Date(from),
    to: to ? new Date(to) : null,
  }));
}

const said = ({ framework, from, to }: CertificationInput): string =>
  `${framework} ${from.getTime()} ${to?.getTime() ?? ''}`;
