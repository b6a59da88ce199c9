/*
 * What the playground opens with for those of the demo's callers who do more than read a customer. Each has its tools in
 * one document: the operation to run is chosen in the editor.
 */

/** A client's privacy officer: what waits, and what was decided. */
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

/** A client's administrator: erases people, and sees how far that is. */
export const mattersQuery = `query Erasures {
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

/** The platform's privacy officer: clients, recipients, and what suspending a basis would stop. */
export const platformQuery = `query Platform {
  clients(first: 10) { nodes { slug name country } }
  subProcessors { slug name service country purposes }
  previewSuspension(basis: "SCC") { recipients { name kind } transfers { id state } }
}
`;

/** An auditor: the ledger, and what it can be held to. */
export const auditorsQuery = `query Ledger {
  auditEntries(first: 10) { nodes { id time kind principal purpose result coordinates { coordinate outcome } } }
  auditCheckpoint { log size note verifierKey }
}
`;

/** A sub-processor reads what its contract shows it, under clauses that the client approved. */
export const subProcessorsQuery = `query Messages {
  customers(first: 3) {
    nodes { id firstName email conversations(first: 1) { nodes { subject } } }
  }
}
`;
