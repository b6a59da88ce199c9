/*
 * What the playground shows first to callers who do more than read a customer. Each document holds several operations;
 * the editor asks which one to run.
 */

/** For a client's privacy officer: what waits for a decision, and what was decided. */
export const officersQuery = `query Today {
  transferApprovals(first: 10) {
    nodes { id state recipientId destinationCountry mechanism categories purposes requestedBy }
  }
  legalHolds { id matter reason categories placedAt releasedAt }
  erasureRequests(first: 10) { nodes { id status grounds requestedAt dueAt startsAt } }
  purposeGrants { grantee granteeKind purpose validFrom validTo withdrawnAt }
}

# Put an id from above into the variables: {"input": {"id": "…", "reason": "assessed"}}
mutation Approve($input: DecideTransferInput!) {
  approveTransfer(input: $input) { approval { id state } }
}
`;

/** For a client's administrator: erases people, and shows the progress. */
export const erasuresQuery = `query Erasures {
  customers(first: 10) { nodes { id firstName lastName } }
  erasureRequests(first: 10) {
    nodes { id status dueAt startsAt steps { store action status rows } }
  }
}

# Variables: {"input": {"customerId": "…", "grounds": "CONSENT_WITHDRAWN"}}. It completes within seconds.
mutation Erase($input: RequestErasureInput!) {
  requestErasure(input: $input) { request { id status dueAt } }
}
`;

/** For the platform's privacy officer: clients, recipients, and what suspending a transfer tool would stop. */
export const platformQuery = `query Platform {
  clients(first: 10) { nodes { slug name country } }
  subProcessors { slug name service country purposes }
  previewSuspension(basis: "SCC") { recipients { name kind } transfers { id state } }
}
`;

/** For an auditor: the ledger and its checkpoint. */
export const auditorsQuery = `query Ledger {
  auditEntries(first: 10) { nodes { id time kind principal purpose result coordinates { coordinate outcome } } }
  auditCheckpoint { log size note verifierKey }
}
`;

/** For a sub-processor: its contract, under clauses that the client approved. */
export const subProcessorsQuery = `query Messages {
  customers(first: 3) {
    nodes { id firstName email conversations(first: 1) { nodes { subject } } }
  }
}
`;
