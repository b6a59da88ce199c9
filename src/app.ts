import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Alert } from './audit/alerts/alerts';
import { alertWebhook } from './audit/alerts/webhook';
import { AuditResolver } from './audit/entries/entry-resolver';
import { watchedVerifier } from './audit/recording/change-recorder';
import { ReportResolver } from './audit/reports/report-resolver';
import { type Anchor, Anchoring, fileAnchor } from './audit/witness/anchors';
import { timestampAnchor } from './audit/witness/timestamp';
import { witnessAnchor } from './audit/witness/witness';
import { backgroundTasks, JOBS_TASK } from './background';
import type { Config } from './config';
import { DisclosureResolver } from './disclosures/disclosure-resolver';
import { LegalHoldResolver } from './erasure/holds/legal-hold-resolver';
import { ErasureRequestResolver } from './erasure/requests/erasure-request-resolver';
import { ErasureChanges, erasureRequestSubscription } from './erasure/requests/erasure-request-subscription';
import { openErasures } from './erasure/requests/open-erasures';
import { RetentionRuleResolver } from './erasure/retention/retention-rule-resolver';
import { ExportResolver, TerminationExportResolver } from './exports/export-resolver';
import { countAlerts } from './gateway/alert-metrics';
import { contractNames, contractOf, contractSchema } from './gateway/contracts';
import { erasureConcerns, measureErasures, workerFaults } from './gateway/erasure-metrics';
import { type Explain, ExplainResolver } from './gateway/explain-resolver';
import { FailureLog } from './gateway/failure-log';
import { DoneAgain } from './gateway/idempotency/done-again';
import { IdempotencyKeys } from './gateway/idempotency/idempotency-keys';
import { measureInstallation, type PoolUse, type StoreLog, storeLogConcerns } from './gateway/installation-metrics';
import { defaultServerLimits } from './gateway/limits';
import { createLogger } from './gateway/logging';
import type { SignIn } from './gateway/playground';
import { RateBudgets } from './gateway/rate-budgets';
import { RateLimits } from './gateway/rate-limits';
import { RateShares } from './gateway/rate-shares';
import { buildApi } from './gateway/schema';
import type { Contract, ServerOptions } from './gateway/server-options';
import type { Ending } from './gateway/shutdown';
import { wordsForFailure } from './gateway/store-failures';
import { measureTasks } from './gateway/task-metrics';
import { type Governed, govern } from './governance/govern';
import { isCategory, isSubject } from './governance/vocabulary';
import { GovernanceResolver } from './identity/governance-resolver';
import { discoverSignIn } from './identity/openid-discovery';
import type { RequestContext } from './identity/request-context';
import { createTokenVerifier } from './identity/tokens';
import type { Outages } from './jobs/change-feed';
import { Scheduler } from './jobs/scheduler';
import type { KeyStore } from './keys/key-store';
import { platformKey } from './keys/platform-key';
import { MINUTE_MS } from './law/calendar';
import { faultsOf } from './readiness';
import { NoticeResolver } from './register/notice-resolver';
import { ProposalResolver } from './register/proposal-resolver';
import { RegisterResolver } from './register/register-resolver';
import { countDeadNotices } from './register/webhooks/undelivered';
import { WebhookResolver } from './register/webhooks/webhook-resolver';
import { createServices, type Services } from './services';
import { dialectOf } from './storage/dialect';
import { poolCounts } from './storage/pool-use';
import { writeAheadLogBytes } from './storage/write-ahead-log';
import { openStores, type Stores } from './stores';
import { CustomerResolver } from './subjects/customer-resolver';
import { ProcessingResolver } from './subjects/processing-resolver';
import { relatedResolvers } from './subjects/related-resolvers';
import { explainTransfers } from './transfers/explained-transfers';
import { LegalBasisResolver } from './transfers/legal-basis-resolver';
import { TransferResolver } from './transfers/transfer-resolver';
import { TransferChanges, transferSubscription } from './transfers/transfer-stream';

export interface App {
  readonly services: Services;
  readonly stores: Stores;
  readonly serverOptions: ServerOptions;
  /** Starts the background work; `close` ends it too. */
  work(): void;
  /** What `close` does, step by step. */
  readonly endings: readonly Ending[];
  close(): Promise<void>;
}

/** Opens the stores, builds and governs the schema of each contract, and collects the server's options. */
export async function openApp(config: Config, logger = createLogger({ level: config.logLevel })): Promise<App> {
  const { oidcIssuer: issuer, oidcAudience: audience, claimNames, production } = config;
  const verifier = createTokenVerifier({
    ...{ issuer, audience, claimNames, production },
    onIssuer: (fault) => {
      if (fault) logger.error({ issuer, fault: fault.message, err: fault }, 'the token issuer cannot be reached');
      else logger.info({ issuer }, 'the token issuer can be reached again');
    },
  });
  const failures = new FailureLog(logger);
  const stores = await openStores(config);
  const alerted: Array<(alert: Alert) => void> = [alertListener(config, logger)];
  const services = createServices(stores, {
    ...(config.processor ? { processor: config.processor } : {}),
    onAlert: (alert) => {
      for (const tell of alerted) tell(alert);
    },
    onFailure: (error) => failures.write(error, 'the audit ledger failed'),
    onUncollected: (uncollected) =>
      logger.warn(uncollected, 'a client is being terminated and nobody has collected its export'),
  });
  const anchoring = new Anchoring(services.ledger, anchorsOf(config), (error) =>
    failures.write(error, 'the audit ledger could not be anchored'),
  );
  const { contracts: lazily, again } = governContracts(
    services,
    stores.keys,
    await platformKey(stores.keys, 'cursor'),
    (error) => failures.write(error, 'a resolver failed'),
    {
      began: (error) => logger.error({ err: error }, 'changes for subscriptions cannot be read; it is tried again'),
      ended: () => logger.info('changes for subscriptions can be read again'),
    },
  );
  const limits = { ...defaultServerLimits, ...config.limits };
  const idempotency = new IdempotencyKeys(stores.regions, await platformKey(stores.keys, 'idempotency'), again, {
    mostPerCaller: limits.idempotencyKeysPerCaller,
  });
  const shares = new RateShares(stores.regions.home, await platformKey(stores.keys, 'rate-share'));
  const budgets = new RateBudgets(shares, (error) => failures.write(error, 'no share of a budget could be leased'));
  const tasks = backgroundTasks(stores, services, anchoring, idempotency, {
    keyRotation: config.keyRotation ?? 'off',
    clientSecretRotation: config.clientSecretRotation ?? 'off',
    onJobFailure: (error, job) => failures.write(error, 'an erasure failed; it will be retried', { job: job.id }),
    onDead: (letter) => logger.warn(letter, 'a recipient of an erasure could not be notified'),
    onFailure: (error) => failures.write(error, 'work on erasures failed; it will be retried'),
    onNear: ({ dueSoon, overdue, nextDueAt }) =>
      logger.warn(
        { dueSoon, overdue, nextDueAt: new Date(nextDueAt ?? 0).toISOString() },
        'erasures are close to their deadline',
      ),
  });
  const sharing = { name: 'rate shares', everyMs: MINUTE_MS, run: () => shares.announce() };
  const background = new Scheduler([...tasks, sharing], {
    onFailure: (error, task) => failures.write(error, 'background work failed; it will be retried', { task }),
  });
  const endings: Ending[] = [
    { what: 'background work', end: () => background.stop() },
    { what: 'the recorder of the audit ledger', end: () => services.recorder.close() },
    // What was recorded last is anchored too.
    { what: 'the anchors of the audit ledger', end: () => anchoring.run() },
    { what: 'the audit ledger', end: () => services.ledger.close() },
    { what: 'the stores', end: () => stores.close() },
  ];
  return {
    services,
    stores,
    endings,
    serverOptions: {
      // A contract at fault ends the start, not somebody's request.
      contracts: { ...lazily },
      contractOf,
      verifier: watchedVerifier(verifier, services.recorder),
      idempotency,
      audit: services.accesses,
      contextFor: (claims, purpose) => services.accessService.contextFor(claims, purpose),
      acknowledge: async (body, headers) => (await services.webhooks.acknowledge(body, headers)) !== undefined,
      collect: (context, id) => services.exports.collect(context, id),
      signIn: signInOf(config),
      measure: (registry) => {
        measureErasures(
          registry,
          () => openErasures(stores.regions),
          () => background.state(JOBS_TASK),
          config.epoch,
        );
        measureInstallation(registry, {
          ledger: async () => ({ ...(await services.ledger.lag()), unanchored: await anchoring.unanchored() }),
          pools: () => poolsOf(stores),
          storeLogs: () => storeLogsOf(stores),
          deadNotices: () => countDeadNotices(stores.regions),
        });
        measureTasks(registry, () => background.states());
        alerted.push(countAlerts(registry));
      },
      allowedOrigins: config.allowedOrigins,
      trustedProxies: config.trustedProxies,
      limits: config.limits,
      publicOrigin: config.publicOrigin,
      compression: config.compression,
      ready: async () => {
        const { usable, fault } = await verifier.issuerState();
        return [
          ...(await faultsOf(stores, services.ledger)),
          ...workerFaults(background.state(JOBS_TASK)),
          ...(usable ? [] : [`${fault} (OIDC_ISSUER is ${issuer})`]),
        ];
      },
      databaseIsBusy: () => poolsOf(stores).some(({ waiting }) => waiting > 0),
      rates: new RateLimits(budgets, limits),
      backgroundIdleMs: () => background.idleMs(),
      concerns: async () => {
        const { fault } = await verifier.issuerState();
        return [
          ...(fault === undefined ? [] : [`${fault} (OIDC_ISSUER is ${issuer}); its earlier keys are still used`]),
          ...(await openErasures(stores.regions).then(
            (open) => erasureConcerns(open, config.epoch),
            () => ['open erasures could not be counted; see the log if that lasts'],
          )),
          ...storeLogConcerns(await storeLogsOf(stores)),
        ];
      },
      logger,
      production,
    },
    work: () => {
      background.start();
      // Logs an unreachable issuer before the first caller meets it.
      void verifier.issuerState();
    },
    close: async () => {
      for (const { end } of endings) await end();
    },
  };
}

/** People can sign in where the issuer has a client id for this installation. */
function signInOf({ oidcIssuer: issuer, oidcClientId: clientId, oidcScope: scope, oidcAudience: audience }: Config) {
  if (issuer === undefined || clientId === undefined) return undefined;
  return async (): Promise<SignIn> => ({ issuer, clientId, scope, audience, ...(await discoverSignIn(issuer)) });
}

/** Sends alerts to the log, and to the configured webhook (statement G3). */
function alertListener({ alertWebhook: recipient }: Config, logger: Logger): (alert: Alert) => void {
  const tell = recipient && alertWebhook(recipient.url, recipient.secret);
  return (alert) => {
    logger.warn(alert, 'an access stood out');
    tell?.(alert).catch((error: unknown) => logger.error({ err: error }, 'an alert could not be sent'));
  };
}

function anchorsOf({ auditAnchors: { file, witness, timestampUrl } = {} }: Config): Anchor[] {
  return [
    ...(file === undefined ? [] : [fileAnchor(file)]),
    ...(witness === undefined ? [] : [witnessAnchor(witness.url, witness.key)]),
    ...(timestampUrl === undefined ? [] : [timestampAnchor(timestampUrl)]),
  ];
}

/** The schema of each contract, built and governed when it is first asked for. */
export function governContracts(
  services: Services,
  keys: KeyStore,
  cursorKey: Buffer,
  onFailure: (error: unknown) => void,
  outages: Outages = { began: onFailure, ended: () => undefined },
): {
  schemas: Readonly<Record<Contract, GraphQLSchema>>;
  contracts: Readonly<Record<Contract, Governed>>;
  again: DoneAgain;
} {
  const explain: Explain = (claims, operation) => {
    const governed = contracts[contractOf(claims)];
    const coordinates = new Map(governed.coordinates.map((one) => [one.coordinate, one]));
    return governed.explain(operation).map((field) => {
      const { category, subject, rows = false } = coordinates.get(field.coordinate) ?? {};
      return {
        ...field,
        category: isCategory(category) ? category : null,
        subject: isSubject(subject) ? subject : null,
        rows,
      };
    });
  };
  const { transfers } = services;
  const cursorKeys = { current: cursorKey, all: [cursorKey] };
  const resolvers = [
    new GovernanceResolver(services.records),
    new RegisterResolver(services.clients, services.parties, keys, cursorKeys),
    new CustomerResolver(services.customers, keys),
    new ProcessingResolver(services.processing, services.customers),
    ...relatedResolvers(services.subjectRecords, keys),
    new ExplainResolver(explain, (context, purpose) => explainTransfers(transfers, context, purpose)),
    new ErasureRequestResolver(services.erasure, services.proposals, keys, services.policies),
    new LegalHoldResolver(services.erasure.holds),
    new RetentionRuleResolver(services.erasure.retention),
    new WebhookResolver(services.webhooks, services.parties),
    erasureRequestSubscription(new ErasureChanges(transfers.regions, outages)),
    new ExportResolver(services.exports, services.proposals),
    new TerminationExportResolver(services.exports),
    new AuditResolver(services.auditReader, services.ledger, cursorKeys, (client) =>
      services.disclosures.gaggedSince(client),
    ),
    new DisclosureResolver(services.disclosures, cursorKeys),
    new ReportResolver(services.reports, () => contracts.api.coordinates),
    new TransferResolver(transfers, keys),
    transferSubscription(new TransferChanges(transfers, outages)),
    new LegalBasisResolver(transfers),
    new NoticeResolver(transfers.notices, keys),
    new ProposalResolver(services.proposals),
  ];
  const api = buildApi(resolvers);
  const again = new DoneAgain(api);
  const schemas = perContract((name) => contractSchema(api, name));
  const contracts = perContract((name) => {
    // The whole API shares its fields with `api`, and governing puts guards on them: all contracts are cut before that.
    const { [name]: schema } = name === 'api' ? { ...schemas } : schemas;
    return govern(schema, {
      plainSources: true,
      pseudonymKey: 'per-access',
      onInternalError: onFailure,
      wordsFor: (error) => {
        const words = wordsForFailure(error);
        if (words) onFailure(error);
        return words;
      },
      contextWith: (context, decision): RequestContext => ({ ...(context as RequestContext), decision }),
    });
  });
  return { schemas, contracts, again };
}

/** Each is made when it is first asked for: a server or a command needs few of them, and a copy makes all. */
function perContract<T>(make: (name: Contract) => T): Record<Contract, T> {
  const made = {} as Record<Contract, T>;
  for (const name of contractNames) {
    let kept: { readonly value: T } | undefined;
    const get = () => {
      kept ??= { value: make(name) };
      return kept.value;
    };
    Object.defineProperty(made, name, { enumerable: true, get });
  }
  return made;
}

/** The write-ahead logs of embedded stores. */
async function storeLogsOf(stores: Stores): Promise<StoreLog[]> {
  const embedded = namedStores(stores).filter(([, source]) => dialectOf(source).embedded);
  return Promise.all(embedded.map(async ([store, source]) => ({ store, bytes: await writeAheadLogBytes(source) })));
}

function poolsOf(stores: Stores): PoolUse[] {
  return namedStores(stores).flatMap(([store, source]) => {
    const counts = poolCounts(source);
    return counts ? [{ store, ...counts }] : [];
  });
}

/** Every database by the name that operators see. */
function namedStores({ regions, keyStores }: Stores): Array<readonly [name: string, source: DataSource]> {
  return [...regions.named(), ...keyStores.all().map(({ name, source }) => [name, source] as const)];
}
