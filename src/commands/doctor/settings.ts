import { stat } from 'node:fs/promises';
import type { Config } from '../../config';
import { attention, type Check, type Finding, fault, orWell } from './finding';

/** What the environment says. Variables that are wrong in themselves end the command before. */
export const settings: Check = {
  name: 'settings',
  look: ({ config }) => orWell([...development(config), ...unset(config)], 'every variable is right, for production'),
};

function development({ production }: Config): Finding[] {
  if (production) return [];
  const says =
    'NODE_ENV is not production: tokens of `remit token` are accepted, and a development key is made if needed';
  return [attention(says, 'set NODE_ENV=production where data of people is kept')];
}

function unset({ production, oidcIssuer, oidcAudience, auditAnchors, alertWebhook, processor }: Config): Finding[] {
  if (!production) return [];
  const anchored = auditAnchors?.file ?? auditAnchors?.witness ?? auditAnchors?.timestampUrl;
  return [
    ...(oidcIssuer === undefined
      ? [fault('OIDC_ISSUER is not set: the server does not start', 'write the https URL of your OpenID provider')]
      : []),
    ...(oidcAudience === undefined
      ? [attention('OIDC_AUDIENCE is not set: tokens for every audience are accepted', "name this server's audience")]
      : []),
    ...(anchored === undefined
      ? [attention('nobody outside sees the ledger', 'set AUDIT_ANCHOR_FILE, AUDIT_WITNESS_URL or AUDIT_TIMESTAMP_URL')]
      : []),
    ...(alertWebhook === undefined
      ? [attention('alerts reach the log and the metrics only', 'set AUDIT_ALERT_URL and AUDIT_ALERT_SECRET')]
      : []),
    ...(processor?.name === undefined
      ? [attention('the record of processing names no processor', 'set PROCESSOR_NAME and PROCESSOR_CONTACT')]
      : []),
  ];
}

/** Whether users other than the owner may read or write a file. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o007) !== 0;
}
