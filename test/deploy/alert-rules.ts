import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { findExecutable } from '../support/mariadb-process';
import { root } from '../support/root';

export const rulesFile = join(root, 'deploy/prometheus/alerts.yaml');

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

/** The alert rules that are deployed. */
export const alertRules: readonly AlertRule[] = (
  parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: AlertRule[] }[] }
).groups.flatMap(({ rules }) => rules);

/**
 * The path of Prometheus' promtool.
 * @returns undefined, after a loud warning, where none is installed; with CI=true that is an error
 */
export function findPromtool(): string | undefined {
  const path = findExecutable('promtool');
  if (path !== undefined) return path;
  const message = 'promtool was not found: the tests of alerts are LEFT OUT.';
  if (process.env.CI === 'true') throw new Error(`${message} With CI=true it must be installed (prometheus).`);
  process.stderr.write(`\n*** WARNING: ${message} Install prometheus to run them. ***\n`);
  return undefined;
}

export interface ToolRun {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs promtool on files that are given by name and content. */
export function runPromtool(promtool: string, words: readonly string[], files: Record<string, string> = {}): ToolRun {
  const folder = mkdtempSync(join(tmpdir(), 'remit-promtool-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return { ok: true, output: execFileSync(promtool, words, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }) };
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return { ok: false, output: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The metrics that an expression names, each with the labels by which it selects. */
export function metricsIn(expression: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const names = /\b(up|remit_\w+|nodejs_\w+|process_\w+)\b(?:\{([^}]*)\})?/g;
  for (const [, name = '', selectors = ''] of expression.matchAll(names)) {
    const labels = found.get(name) ?? new Set();
    for (const [, label = ''] of selectors.matchAll(/(\w+)\s*[=!]~?/g)) labels.add(label);
    found.set(name, labels);
  }
  return found;
}
