import { readFileSync } from 'node:fs';
import { ConfigurationError } from './errors';

/** Settings that hold a secret. Each may be in a file instead, which the same name with `_FILE` names. */
const secretSettings = [
  ...['DATABASE_URL', 'DATABASE_URL_EU', 'DATABASE_URL_US'],
  ...['KEYS_DATABASE_URL', 'KEYS_DATABASE_URL_EU', 'KEYS_DATABASE_URL_US'],
  ...['REMIT_ROOT_KEY_PIN', 'AUDIT_ALERT_SECRET'],
];

type SetVariables = Readonly<Record<string, string | undefined>>;

/**
 * The settings with those read from files, as Docker, Kubernetes and systemd hand secrets over. White space around a
 * file's content does not count.
 */
export function withSecretFiles(set: SetVariables): { settings: SetVariables; faults: ConfigurationError[] } {
  const settings: Record<string, string | undefined> = { ...set };
  const faults: ConfigurationError[] = [];
  for (const name of secretSettings) {
    const variable = `${name}_FILE`;
    const path = set[variable];
    if (path === undefined) continue;
    if (set[name] !== undefined)
      faults.push(new ConfigurationError(variable, `is set beside ${name}; keep one of them`));
    try {
      const text = readFileSync(path, 'utf8').trim();
      if (text === '') faults.push(new ConfigurationError(variable, `${path} is empty`));
      else settings[name] = text;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      faults.push(new ConfigurationError(variable, `${path} cannot be read (${code}); let this user read it`));
    }
  }
  return { settings, faults };
}
