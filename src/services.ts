import { AccessDesk } from './identity/access-desk';
import { GovernanceRecords } from './identity/governance-records';
import { Clients } from './register/clients';
import { RegisterPolicySource } from './register/policy-source';
import { ThirdParties } from './register/third-parties';
import type { Stores } from './stores';
import { Customers } from './subjects/customers';
import { Records } from './subjects/records';

/** What the rooms can do, wired over the stores; the server and the commands share it. */
export interface Services {
  readonly records: GovernanceRecords;
  readonly clients: Clients;
  readonly parties: ThirdParties;
  readonly customers: Customers;
  readonly subjectRecords: Records;
  readonly desk: AccessDesk;
}

export function createServices({ regions, keys }: Stores): Services {
  const records = new GovernanceRecords(regions, keys);
  const clients = new Clients(regions, keys, records);
  const parties = new ThirdParties(regions, keys, records);
  return {
    records,
    clients,
    parties,
    customers: new Customers(regions, keys),
    subjectRecords: new Records(regions, keys),
    desk: new AccessDesk(regions, keys, new RegisterPolicySource(clients, parties, records)),
  };
}
