import type { Config } from '../../config';
import { failureOf } from '../../storage/failures';
import { faultsOf } from '../failure';
import { backups } from './backups';
import { clientSecrets } from './client-secrets';
import { clocks } from './clocks';
import { disk } from './disk';
import { engine } from './engine';
import { epochs } from './epochs';
import { erasures } from './erasures';
import { attention, type Check, type Finding, fault } from './finding';
import { issuer } from './issuer';
import { keyBackups } from './key-backups';
import { keyTraces } from './key-traces';
import { keys } from './keys';
import { law } from './law';
import { ledger } from './ledger';
import { migrations } from './migrations';
import { orphanKeys } from './orphan-keys';
import { admit, NotAtHand, type Patient } from './patient';
import { settings } from './settings';
import { stores } from './stores';
import { webhooks } from './webhooks';
import { TooSlow, within } from './within';

const CHECKS: readonly Check[] = [
  ...[settings, stores, engine, migrations, clocks, issuer, disk],
  ...[keys, epochs, keyBackups, keyTraces, orphanKeys, clientSecrets, backups, ledger, erasures, webhooks, law],
];

export type CheckedFinding = Finding & { readonly check: string };

/**
 * Looks at an installation. What is away is said, and the rest is looked at all the same.
 * @param limitMs how long each store and each check may take
 */
export async function examine(config: Config, limitMs = 5_000): Promise<CheckedFinding[]> {
  const patient = await admit(config, limitMs);
  try {
    const findings: CheckedFinding[] = [];
    for (const check of CHECKS) {
      const found = await lookedAt(check, patient, limitMs);
      findings.push(...found.map((finding) => ({ check: check.name, ...finding })));
    }
    return findings;
  } finally {
    await patient.close();
  }
}

async function lookedAt(check: Check, patient: Patient, limitMs: number): Promise<readonly Finding[]> {
  try {
    return await within(
      limitMs,
      Promise.resolve(patient).then((one) => check.look(one)),
    );
  } catch (error) {
    if (error instanceof NotAtHand) return [attention(`not looked at: ${error.message}`, 'see what is said above')];
    if (error instanceof TooSlow)
      return [attention(`not looked at: ${error.message}`, 'look at the load of the database')];
    const failure = failureOf(error);
    const says = failure === undefined ? faultsOf(error).join('; ') : `the database failed meanwhile (${failure})`;
    return [fault(`it could not be looked at: ${says}`, 'run it again; then look at "stores" and "migrations" above')];
  }
}
