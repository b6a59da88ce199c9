import type { Contract } from './server-options';

/** A type of the API → the fields of it that a contract shows, in one text. */
export type ShownFields = Readonly<Record<string, string>>;

/** A Relay connection and its edges: they hold nothing but their nodes. */
const connectionTo = (node: string): ShownFields => ({
  [`${node}Connection`]: 'edges nodes pageInfo',
  [`${node}Edge`]: 'cursor node',
});

/** What partners and sub-processors see. */
const partner: ShownFields = {
  Query: 'customer customerLookup customers customersByIdentifier explainAccess subProcessors viewer',
  Viewer: 'client country principal purposes roles scopes',
  Customer: `
    id firstName lastName email phone socialHandle postalAddress residency externalId createdAt objections
    attributes conversations orders`,
  PostalAddress: 'street city region postalCode country',
  CustomAttribute: 'key value',
  Conversation: 'id channel subject messages',
  Message: 'id sentAt direction body',
  Order: 'id placedAt currency total status items',
  OrderItem: 'name quantity unitPrice',
  ...connectionTo('Customer'),
  ...connectionTo('Conversation'),
  ...connectionTo('Message'),
  ...connectionTo('Order'),
  PageInfo: 'hasNextPage hasPreviousPage startCursor endCursor',
  CustomerLookup: 'email phone socialHandle externalId',
  CustomerFilter: 'residency objectsTo createdAfter createdBefore',
  SubProcessor: 'id slug name service country purposes categories engagedFrom engagedTo',
  AccessExplanation: 'coordinate outcome code rule method transfers',
  TransferExplanation: 'residency outcome code rule basis',
};

const writtenOfCustomer = `
  firstName lastName email phone socialHandle ipAddress gender postalAddress residency externalId attributes`;

/** What the client's own apps see beyond that. */
const clientAppOnly: ShownFields = {
  Query: 'client installations thirdPartyApplications',
  Mutation: 'createCustomer updateCustomer objectToProcessing withdrawObjection recordAutomatedDecision',
  Customer: 'ipAddress gender source lastAutomatedDecisionAt automatedDecisions healthRecords',
  AutomatedDecision: 'id madeAt subject logic',
  HealthRecord: 'id recordedAt kind note',
  ...connectionTo('AutomatedDecision'),
  ...connectionTo('HealthRecord'),
  CustomerFilter: 'source decidedAutomatically',
  CustomerPayload: 'customer',
  CreateCustomerInput: `${writtenOfCustomer} source`,
  UpdateCustomerInput: `customerId ${writtenOfCustomer}`,
  PostalAddressInput: 'street city region postalCode country',
  AttributeInput: 'key value',
  ObjectToProcessingInput: 'customerId purposes',
  WithdrawObjectionInput: 'customerId purposes',
  RecordAutomatedDecisionInput: 'customerId subject logic madeAt',
  Client: 'id slug name country region createdAt dataProtectionOfficer representative agreements users',
  ClientUser: 'id name email role',
  ...connectionTo('ClientUser'),
  Agreement: `
    id kind version signedAt signedBy effectiveFrom effectiveTo excludedPurposes erasureDays keepsDeidentified`,
  Installation: 'id application installedBy installedAt acceptedNoticeVersion inForce',
  ThirdPartyApplication: `
    id slug name publisher country scopes privacyNoticeVersion privacyNoticeUrl privacyNoticeText`,
};

/**
 * The fields that each contract shows, by name. What is not named here is in no contract: a new field or type stays
 * unseen until somebody writes it down. The whole API is for those who administer it.
 */
export const contractFields: Readonly<Record<Exclude<Contract, 'api'>, readonly ShownFields[]>> = {
  'client-app': [partner, clientAppOnly],
  partner: [partner],
};
