import type { ChangeRecorder } from '../identity/change-recorder';
import type { GovernanceRecords } from '../identity/governance-records';
import { platformRecipient } from '../identity/recipient';
import type { KeyStore } from '../keys/key-store';
import { law as heldLaw, type Law } from '../law/law';
import { Certifications } from '../register/certifications';
import type { Clients } from '../register/clients';
import { Notices } from '../register/notices';
import type { Proposals } from '../register/proposals';
import type { ThirdParties } from '../register/third-parties';
import type { Webhooks } from '../register/webhooks/webhooks';
import type { Regions } from '../storage/regions';
import { ApprovalStore } from './approval-store';
import { proposedCertifications } from './certifying';
import { KillSwitch } from './kill-switch';
import { ImpactAnalysis } from './suspension-impact';
import { Suspensions } from './suspensions';
import { TransferApprovals } from './transfer-approvals';
import { TransferRecipients } from './transfer-recipients';
import { CompiledTransferRules } from './transfer-rules';

/** The services of the transfers module. */
export interface TransfersModule {
  readonly law: Law;
  readonly regions: Regions;
  readonly store: ApprovalStore;
  readonly recipients: TransferRecipients;
  readonly certifications: Certifications;
  readonly notices: Notices;
  readonly suspensions: Suspensions;
  readonly approvals: TransferApprovals;
  readonly killSwitch: KillSwitch;
  readonly rules: CompiledTransferRules;
  readonly proposals: Proposals;
}

/** @param law for tests and what-if questions; the law held here unless told */
export function createTransfers(
  parts: {
    readonly regions: Regions;
    readonly keys: KeyStore;
    readonly clients: Clients;
    readonly parties: ThirdParties;
    readonly records: GovernanceRecords;
    readonly recorder: ChangeRecorder;
    readonly proposals: Proposals;
    readonly webhooks?: Webhooks;
  },
  { law = heldLaw, now = Date.now }: { readonly law?: Law; readonly now?: () => number } = {},
): TransfersModule {
  const { regions, keys, clients, parties, records, recorder, proposals, webhooks } = parts;
  const store = new ApprovalStore(regions, keys);
  const certifications = new Certifications(regions, recorder);
  const notices = new Notices(regions, keys, webhooks);
  const recipients = new TransferRecipients(clients, parties, certifications);
  const suspensions = new Suspensions(regions, law, recorder);
  const impact = new ImpactAnalysis({ clients, parties, records, certifications, store, suspensions, law });
  proposals.on('CERTIFY_RECIPIENT', ({ terms }, by) =>
    certifications.certify(platformRecipient, proposedCertifications(terms), by),
  );
  return {
    law,
    proposals,
    regions,
    store,
    recipients,
    certifications,
    notices,
    suspensions,
    approvals: new TransferApprovals({ store, recipients, suspensions, law }, recorder, now),
    killSwitch: new KillSwitch(suspensions, impact, notices),
    rules: new CompiledTransferRules({ regions, store, suspensions, certifications, law }, now),
  };
}
