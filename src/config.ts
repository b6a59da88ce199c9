import { isIP } from 'node:net';
import { z } from 'zod';
import { readLimits, type ServerLimits } from './gateway/limits';
import { type ClaimNames, defaultClaimNames } from './identity/claims';
import {
  namesRoots,
  ROOT_MADE_BY,
  type RootSettings,
  readRootSettings,
  rootFaults,
  rootVariables,
  rootVariablesSet,
  sharedRootFaults,
} from './keys/roots/root-settings';
import { type SealingCipher, sealingCiphers } from './keys/sealing';
import { DAY_MS, HOUR_MS } from './law/calendar';
import { isConfidential } from './outbound/urls';
import { ConfigurationError } from './storage/errors';
import { type HostingRegion, hostingRegions } from './storage/regions';
import { withSecretFiles } from './storage/secret-files';
import { parseStoreUrl } from './storage/store-url';

const compressions = ['impersonal', 'all', 'none'] as const;
/** Long enough for a load balancer that polls `/readyz` every few seconds. */
const SHUTDOWN_DELAY_S = 5;
/** Kubernetes kills a pod after 30 s unless told. */
const SHUTDOWN_GRACE_S = 25;
/** In production, unless told. It concerns those who check certificates and checkpoints by keys that they keep. */
const KEY_ROTATION_MS = 365 * DAY_MS;
const exporters = ['otlp', 'none'] as const;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** See {@link Config.compression}. */
export type Compression = (typeof compressions)[number];

/** Where checkpoints of the audit ledger are shown. */
export interface AnchorConfig {
  readonly file?: string | undefined;
  readonly witness?: { readonly url: string; readonly key: string } | undefined;
  readonly timestampUrl?: string | undefined;
}

/** A region's keys' store, and where the roots of its keys are. */
export interface RegionalKeys extends RootSettings {
  readonly url: string;
}

/** The validated environment; `.env.example` lists the variables. */
export interface Config extends RootSettings {
  /** TCP port of the server; 0 chooses a free one. */
  readonly port: number;
  readonly databaseUrl: string;
  /** Databases for clients bound to a region; their rows are in no other. */
  readonly regionalDatabaseUrls: Readonly<Partial<Record<HostingRegion, string>>>;
  readonly keysDatabaseUrl: string;
  /** The keys' stores of regions. Clients bound to another region have their keys in `keysDatabaseUrl`. */
  readonly regionalKeys?: Readonly<Partial<Record<HostingRegion, RegionalKeys>>>;
  /** Where each turning writes a backup of the keys before it destroys the old root. */
  readonly keysBackupDir?: string;
  /** Milliseconds between the ends of two epochs of the keys; `off` where they do not end. */
  readonly epoch: number | 'off';
  /** What values are sealed with from now on; it opens what was sealed with any. */
  readonly sealing?: SealingCipher;
  /** Milliseconds after which keys of the platform are replaced; `off` where nobody but an operator does. */
  readonly keyRotation?: number | 'off';
  /** The same of clients' secrets, whose replacement changes pseudonyms. */
  readonly clientSecretRotation?: number | 'off';
  /** The OpenID provider's identifier, exactly as in its tokens' `iss`. */
  readonly oidcIssuer?: string;
  /** The public client for signing in at the issuer from the playground. */
  readonly oidcClientId?: string;
  /** The scopes requested at sign-in. */
  readonly oidcScope: string;
  /** The required audience; absent, every audience of the issuer is accepted. */
  readonly oidcAudience?: string;
  /** The claims that hold subject, tenant, roles, scope and country. */
  readonly claimNames?: ClaimNames;
  /** Where checkpoints of the audit ledger are shown; what is absent is not used. */
  readonly auditAnchors?: AnchorConfig;
  /** The processor that the record of processing names (GDPR Art. 30(2)(a)). */
  readonly processor?: {
    readonly name?: string | undefined;
    readonly contact?: string | undefined;
    readonly representative?: string | undefined;
    readonly dataProtectionOfficer?: string | undefined;
  };
  /** The recipient of alerts about the audit ledger. */
  readonly alertWebhook?: { readonly url: string; readonly secret: string } | undefined;
  /** Origins whose pages may call the API in a browser, besides its own. */
  readonly allowedOrigins: readonly string[];
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Server limits that differ from their defaults. */
  readonly limits: Partial<ServerLimits>;
  /** The server's public origin, where a proxy in front of it has another name. */
  readonly publicOrigin?: string | undefined;
  /** Which answers are compressed: those without personal data, all, or none. */
  readonly compression: Compression;
  /** Seconds between reporting not ready and closing. */
  readonly shutdownDelay: number;
  /** Seconds in which the process has ended after SIGTERM, whatever hangs; the delay included. */
  readonly shutdownGrace: number;
  readonly logLevel: (typeof logLevels)[number];
  /** What is sent to an OpenTelemetry collector. */
  readonly telemetry: { readonly traces: boolean; readonly logs: boolean };
  /** NODE_ENV is `production`: development keys are refused, and settings without a safe default must be given. */
  readonly production: boolean;
}

/** The environment is invalid: one fault for each variable, all at once. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';

  constructor(readonly faults: readonly ConfigurationError[]) {
    super(faults.map((fault) => fault.message).join('\n'));
  }
}

const storeUrl = (variable: string) =>
  z.string().superRefine((text, context) => {
    try {
      parseStoreUrl(text, variable);
    } catch (error) {
      const { message } = error as ConfigurationError;
      context.addIssue({ code: 'custom', message: message.replace(`${variable}: `, '') });
    }
  });

const webUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'must be an http or https URL');

/** Claim names appear in a response header, so they must be valid there. */
const claimNames = (standard: readonly string[]) =>
  z
    .string()
    .regex(
      /^[!#-+\--[\]-~]+(?:, *[!#-+\--[\]-~]+)*$/,
      'must be the name of a claim, or a path with dots to it; several with commas between them',
    )
    .optional()
    .transform((text) => text?.split(/, */) ?? standard);

const origin = z
  .string()
  .refine(
    (text) => /^https?:\/\/[a-z0-9.:[\]-]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text,
    'must be an origin as browsers write it: https://app.example, without path, and with its port where it has one',
  );

const processorText = z.string().max(300, 'must have 300 characters at most');

const rotationTerm = z
  .string()
  .regex(/^(off|[1-9]\d{0,3}d)$/, 'must be a number of days such as 90d, or off')
  .transform((text) => (text === 'off' ? text : Number.parseInt(text, 10) * DAY_MS));

const environment = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port number from 0 to 65535')
    .transform(Number)
    .refine((port) => port <= 65_535, 'must be a port number from 0 to 65535')
    .default(4000),
  DATABASE_URL: storeUrl('DATABASE_URL').default('sqlite:./data/remit.db'),
  DATABASE_URL_FILE: z.string().optional(),
  DATABASE_URL_EU: storeUrl('DATABASE_URL_EU').optional(),
  DATABASE_URL_EU_FILE: z.string().optional(),
  DATABASE_URL_US: storeUrl('DATABASE_URL_US').optional(),
  DATABASE_URL_US_FILE: z.string().optional(),
  KEYS_DATABASE_URL: storeUrl('KEYS_DATABASE_URL').optional(),
  KEYS_DATABASE_URL_FILE: z.string().optional(),
  KEYS_DATABASE_URL_EU: storeUrl('KEYS_DATABASE_URL_EU').optional(),
  KEYS_DATABASE_URL_EU_FILE: z.string().optional(),
  KEYS_DATABASE_URL_US: storeUrl('KEYS_DATABASE_URL_US').optional(),
  KEYS_DATABASE_URL_US_FILE: z.string().optional(),
  ...rootVariables,
  KEYS_BACKUP_DIR: z.string().optional(),
  REMIT_EPOCH: z
    .string()
    .default('daily')
    .transform((text, context) => {
      const epoch = epochOf(text);
      if (epoch !== undefined) return epoch;
      context.addIssue({ code: 'custom', message: 'must be daily, a number of hours such as 6h, or off' });
      return z.NEVER;
    }),
  REMIT_SEALING: z.enum(sealingCiphers, `must be one of ${sealingCiphers.join(', ')}`).default('chacha20-poly1305'),
  REMIT_KEY_ROTATION: rotationTerm.optional(),
  REMIT_CLIENT_SECRET_ROTATION: rotationTerm.default('off'),
  OIDC_ISSUER: z
    .string()
    .refine(
      isIssuer,
      'must be the https URL of an OpenID provider, without query or fragment (http for this machine only)',
    )
    .optional(),
  OIDC_AUDIENCE: z.string().optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_SCOPE: z.string().default('openid'),
  OIDC_CLAIM_SUB: claimNames(defaultClaimNames.subject),
  OIDC_CLAIM_TENANT: claimNames(defaultClaimNames.tenant),
  OIDC_CLAIM_ROLES: claimNames(defaultClaimNames.roles),
  OIDC_CLAIM_SCOPE: claimNames(defaultClaimNames.scope),
  OIDC_CLAIM_COUNTRY: claimNames(defaultClaimNames.country),
  AUDIT_ANCHOR_FILE: z.string().optional(),
  AUDIT_WITNESS_URL: webUrl.optional(),
  AUDIT_WITNESS_KEY: z
    .string()
    .regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/, "must be the witness's verifier key: name+id+key")
    .optional(),
  AUDIT_TIMESTAMP_URL: webUrl.optional(),
  PROCESSOR_NAME: processorText.optional(),
  PROCESSOR_CONTACT: processorText.optional(),
  PROCESSOR_REPRESENTATIVE: processorText.optional(),
  PROCESSOR_DPO: processorText.optional(),
  AUDIT_ALERT_URL: webUrl.optional(),
  AUDIT_ALERT_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,}=*$/, 'must be a secret of Standard Webhooks: whsec_ and base64')
    .optional(),
  AUDIT_ALERT_SECRET_FILE: z.string().optional(),
  ALLOWED_ORIGINS: z
    .string()
    .optional()
    .transform((text) => text?.split(/[\s,]+/).filter((each) => each !== '') ?? [])
    .pipe(z.array(origin)),
  PUBLIC_ORIGIN: origin.optional(),
  TRUSTED_PROXIES: z
    .string()
    .optional()
    .transform((text) => text?.split(/[\s,]+/).filter((each) => each !== '') ?? [])
    .refine((all) => all.every(isAddressRange), 'must list addresses or ranges, such as 10.0.0.7 or 10.0.0.0/8'),
  LIMITS: z
    .string()
    .default('')
    .transform((text, context) => {
      try {
        return text === '' ? {} : readLimits(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    }),
  COMPRESSION: z.enum(compressions, `must be one of ${compressions.join(', ')}`).default('impersonal'),
  SHUTDOWN_DELAY: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number of seconds from 0 to 300')
    .transform(Number)
    .refine((seconds) => seconds <= 300, 'must be a number of seconds from 0 to 300')
    .optional(),
  SHUTDOWN_GRACE: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a number of seconds from 1 to 900')
    .transform(Number)
    .refine((seconds) => seconds <= 900, 'must be a number of seconds from 1 to 900')
    .default(SHUTDOWN_GRACE_S),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
  OTEL_SDK_DISABLED: z.string().optional(),
  OTEL_TRACES_EXPORTER: z.enum(exporters, 'must be otlp or none').optional(),
  OTEL_LOGS_EXPORTER: z.enum(exporters, 'must be otlp or none').optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: webUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: webUrl.optional(),
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: webUrl.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/protobuf', 'must be http/protobuf').optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
  NODE_ENV: z.string().optional(),
});

/** As OpenTelemetry says, but that nothing is sent unless a collector or `otlp` is named. */
function telemetryOf(set: z.output<typeof environment>): Config['telemetry'] {
  const isOn = set.OTEL_SDK_DISABLED?.toLowerCase() !== 'true';
  const wanted = (exporter: string | undefined, endpoint: string | undefined) =>
    isOn && (exporter ?? ((endpoint ?? set.OTEL_EXPORTER_OTLP_ENDPOINT) ? 'otlp' : 'none')) === 'otlp';
  return {
    traces: wanted(set.OTEL_TRACES_EXPORTER, set.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT),
    logs: wanted(set.OTEL_LOGS_EXPORTER, set.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT),
  };
}

function isAddressRange(text: string): boolean {
  const [address = '', prefix] = text.split('/');
  const version = isIP(address);
  if (version === 0 || prefix === undefined) return version !== 0;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

function epochOf(text: string): Config['epoch'] | undefined {
  if (text === 'off') return text;
  const [, hours] = /^([1-9]\d{0,2})h$/.exec(text) ?? [];
  return text === 'daily' ? DAY_MS : hours === undefined ? undefined : Number(hours) * HOUR_MS;
}

function witnessOf(url: string | undefined, key: string | undefined): AnchorConfig['witness'] {
  return url === undefined || key === undefined ? undefined : { url, key };
}

function alertWebhookOf(url: string | undefined, secret: string | undefined): Config['alertWebhook'] {
  return url === undefined || secret === undefined ? undefined : { url, secret };
}

type SetVariables = Readonly<Record<string, string | undefined>>;

/** Variables that must be set together. */
const pairs = [
  ['AUDIT_WITNESS_URL', 'AUDIT_WITNESS_KEY'],
  ['AUDIT_ALERT_URL', 'AUDIT_ALERT_SECRET'],
] as const;

function pairFaults(set: SetVariables): ConfigurationError[] {
  return pairs.flatMap((pair) => {
    const [missing, ...more] = pair.filter((name) => set[name] === undefined);
    if (missing === undefined || more.length > 0) return [];
    const other = pair.find((name) => name !== missing);
    return [new ConfigurationError(missing, `must be set beside ${other}`)];
  });
}

/** Variables that have no default in production. */
const neededToServe: Readonly<Record<string, string>> = {
  OIDC_ISSUER: 'without an issuer no token can be verified; write the https URL of your OpenID provider',
  REMIT_MASTER_KEY_FILE: ROOT_MADE_BY,
};

function servingFaults(set: SetVariables): ConfigurationError[] {
  if (set.NODE_ENV !== 'production') return [];
  return Object.entries(neededToServe)
    .filter(([name]) => (name === 'REMIT_MASTER_KEY_FILE' ? !namesRoots(set, undefined) : set[name] === undefined))
    .map(([name, remedy]) => new ConfigurationError(name, `must be set in production: ${remedy}`));
}

/** Without epochs a destroyed key can be read from what was written before it was destroyed. */
function epochFault(set: SetVariables): ConfigurationError[] {
  if (set.NODE_ENV !== 'production' || set.REMIT_EPOCH !== 'off') return [];
  const fault = 'off is refused in production: what is erased could be read from logs and backups; write daily';
  return [new ConfigurationError('REMIT_EPOCH', fault)];
}

/** Checked in addition to the single variables, whatever else is wrong. */
function keyStoreFault(set: SetVariables): ConfigurationError[] {
  const { DATABASE_URL: data, KEYS_DATABASE_URL: keys } = set;
  if (data === undefined) return [];
  if (keys === undefined && /^(mysql|mariadb):/i.test(data.trim())) {
    const fault =
      'must be set beside a MySQL DATABASE_URL: the keys live in a store of their own, with backups of their own; ' +
      'write sqlite:./data/keys.db or mysql://user:password@host:3306/keys';
    return [new ConfigurationError('KEYS_DATABASE_URL', fault)];
  }
  if (keys !== data) return [];
  const fault = 'must be another store than DATABASE_URL, or a restored backup brings destroyed keys back';
  return [new ConfigurationError('KEYS_DATABASE_URL', fault)];
}

/** A region's keys' store stands beside its data, apart from all other stores, and under a root of its own. */
function regionalKeyFaults(set: SetVariables): ConfigurationError[] {
  const stores = ['DATABASE_URL', 'KEYS_DATABASE_URL', ...hostingRegions.flatMap(storesOf)];
  const ofStores = hostingRegions.flatMap((region) => {
    const [data = '', keys = ''] = storesOf(region);
    const root = `REMIT_MASTER_KEY_FILE_${region}`;
    if (set[keys] === undefined) {
      return rootVariablesSet(set, region).map(
        (name) => new ConfigurationError(name, `has no use without ${keys}; set both`),
      );
    }
    const faults: ConfigurationError[] = [];
    const other = stores.find((name) => name !== keys && set[name] === set[keys]);
    if (set[data] === undefined) {
      faults.push(new ConfigurationError(keys, `needs ${data} beside it: keys stand where the data that they seal is`));
    }
    if (other) faults.push(new ConfigurationError(keys, `must be another store than ${other}`));
    if (!namesRoots(set, region)) {
      faults.push(new ConfigurationError(root, `must be set beside ${keys}: ${ROOT_MADE_BY}`));
    }
    return faults;
  });
  const apart = hostingRegions.filter((region) => set[`KEYS_DATABASE_URL_${region}`] !== undefined);
  return [...ofStores, ...sharedRootFaults(set, apart)];
}

const storesOf = (region: HostingRegion): string[] => [`DATABASE_URL_${region}`, `KEYS_DATABASE_URL_${region}`];

function regionalKeysOf(set: SetVariables): NonNullable<Config['regionalKeys']> {
  const found = hostingRegions.flatMap((region) => {
    const url = set[`KEYS_DATABASE_URL_${region}`];
    return url === undefined ? [] : [[region, { url, ...readRootSettings(set, region) }] as const];
  });
  return Object.fromEntries(found);
}

/**
 * Reads and validates the environment. An empty variable counts as unset.
 * @param toServe whether a server is to be started, which needs more than other commands
 * @throws {EnvironmentError} with every fault; each names its variable and what would be right, never its value
 */
export function readConfig(env: SetVariables, { toServe = false } = {}): Config {
  const { settings: set, faults: fileFaults } = withSecretFiles(
    Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== '')),
  );
  const read = environment.safeParse(set);
  const faults = (read.error?.issues ?? []).map(
    ({ path, message }) => new ConfigurationError(String(path[0]), message),
  );
  for (const place of [undefined, ...hostingRegions]) faults.push(...rootFaults(set, place));
  faults.push(...fileFaults, ...keyStoreFault(set), ...regionalKeyFaults(set), ...epochFault(set), ...pairFaults(set));
  if (toServe) faults.push(...servingFaults(set));
  if (!read.success || faults.length > 0) throw new EnvironmentError(faults);
  const variables = read.data;
  const production = variables.NODE_ENV === 'production';
  const shutdownDelay = variables.SHUTDOWN_DELAY ?? (production ? SHUTDOWN_DELAY_S : 0);
  if (variables.SHUTDOWN_GRACE <= shutdownDelay) {
    const fault = `must be more than the ${shutdownDelay} s of SHUTDOWN_DELAY, which are part of it`;
    throw new EnvironmentError([new ConfigurationError('SHUTDOWN_GRACE', fault)]);
  }
  return {
    port: variables.PORT,
    databaseUrl: variables.DATABASE_URL,
    regionalDatabaseUrls: {
      ...(variables.DATABASE_URL_EU === undefined ? {} : { EU: variables.DATABASE_URL_EU }),
      ...(variables.DATABASE_URL_US === undefined ? {} : { US: variables.DATABASE_URL_US }),
    },
    keysDatabaseUrl: variables.KEYS_DATABASE_URL ?? 'sqlite:./data/keys.db',
    regionalKeys: regionalKeysOf(set),
    ...readRootSettings(set, undefined),
    ...(variables.KEYS_BACKUP_DIR === undefined ? {} : { keysBackupDir: variables.KEYS_BACKUP_DIR }),
    epoch: variables.REMIT_EPOCH,
    sealing: variables.REMIT_SEALING,
    keyRotation: variables.REMIT_KEY_ROTATION ?? (production ? KEY_ROTATION_MS : 'off'),
    clientSecretRotation: variables.REMIT_CLIENT_SECRET_ROTATION,
    ...(variables.OIDC_ISSUER === undefined ? {} : { oidcIssuer: variables.OIDC_ISSUER }),
    ...(variables.OIDC_CLIENT_ID === undefined ? {} : { oidcClientId: variables.OIDC_CLIENT_ID }),
    oidcScope: variables.OIDC_SCOPE,
    ...(variables.OIDC_AUDIENCE === undefined ? {} : { oidcAudience: variables.OIDC_AUDIENCE }),
    claimNames: {
      subject: variables.OIDC_CLAIM_SUB,
      tenant: variables.OIDC_CLAIM_TENANT,
      roles: variables.OIDC_CLAIM_ROLES,
      scope: variables.OIDC_CLAIM_SCOPE,
      country: variables.OIDC_CLAIM_COUNTRY,
    },
    auditAnchors: {
      file: variables.AUDIT_ANCHOR_FILE,
      witness: witnessOf(variables.AUDIT_WITNESS_URL, variables.AUDIT_WITNESS_KEY),
      timestampUrl: variables.AUDIT_TIMESTAMP_URL,
    },
    processor: {
      name: variables.PROCESSOR_NAME,
      contact: variables.PROCESSOR_CONTACT,
      representative: variables.PROCESSOR_REPRESENTATIVE,
      dataProtectionOfficer: variables.PROCESSOR_DPO,
    },
    alertWebhook: alertWebhookOf(variables.AUDIT_ALERT_URL, variables.AUDIT_ALERT_SECRET),
    allowedOrigins: variables.ALLOWED_ORIGINS,
    publicOrigin: variables.PUBLIC_ORIGIN,
    trustedProxies: variables.TRUSTED_PROXIES,
    limits: variables.LIMITS,
    compression: variables.COMPRESSION,
    shutdownDelay,
    shutdownGrace: variables.SHUTDOWN_GRACE,
    logLevel: variables.LOG_LEVEL,
    telemetry: telemetryOf(variables),
    production,
  };
}

function isIssuer(text: string): boolean {
  if (!isConfidential(text)) return false;
  const { search, hash, username } = new URL(text);
  return search === '' && hash === '' && username === '';
}
