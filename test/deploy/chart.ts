import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { root } from '../support/root';
import { Templates } from './go-template';

export const chart = join(root, 'deploy/helm/remit');

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
  readonly [part: string]: unknown;
}

const fileOf = (name: string) => readFileSync(join(chart, name), 'utf8');
export const values = parse(fileOf('values.yaml')) as Record<string, unknown>;

/** What the chart makes of its values and of those that are set beside them. */
export function rendered(set: Record<string, unknown> = {}): string {
  const { name, version, appVersion } = parse(fileOf('Chart.yaml'));
  const data = {
    Values: merged(values, set),
    Chart: { Name: name, Version: version, AppVersion: appVersion },
    Release: { Name: 'production', Namespace: 'privacy', Service: 'Helm' },
    Files: { Get: fileOf },
  };
  const templates = new Templates();
  const files = readdirSync(join(chart, 'templates')).sort();
  const read = files.map((file) => [file, templates.read(fileOf(join('templates', file)))] as const);
  const manifests = read.filter(([file]) => file.endsWith('.yaml'));
  return manifests.map(([, nodes]) => templates.render(nodes, data)).join('\n---\n');
}

export function manifestsOf(text: string): Manifest[] {
  // Kubernetes reads YAML 1.1, where 0440 is octal.
  const documents = parseAllDocuments(text, { version: '1.1' });
  return documents.flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const manifest = document.toJS() as Manifest | null;
    return manifest === null ? [] : [manifest];
  });
}

function merged(ours: Record<string, unknown>, theirs: Record<string, unknown>): Record<string, unknown> {
  const result = { ...ours };
  for (const [name, value] of Object.entries(theirs)) {
    const own = result[name];
    const isMap = (each: unknown) => typeof each === 'object' && each !== null && !Array.isArray(each);
    result[name] = isMap(own) && isMap(value) ? merged(Object(own), Object(value)) : value;
  }
  return result;
}
