import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { loadMasterKeyFile } from '../../src/keys/master-key';
import { findExecutable } from '../support/mariadb-process';
import { root } from '../support/root';
import { alertRules } from './alert-rules';
import { chart, type Manifest, manifestsOf, rendered, values } from './chart';

jest.setTimeout(60_000);

const everything = {
  autoscaling: { enabled: true },
  monitoring: { enabled: true, docs: 'https://wiki.example/remit', labels: { release: 'prometheus' } },
  env: { OIDC_ISSUER: 'https://id.example', LIMITS: 'sockets=2000' },
  podAnnotations: { team: 'privacy' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'privacy', operator: 'Exists' }],
  imagePullSecrets: [{ name: 'registry' }],
};
const kms = {
  rootKey: { url: 'vault:https://vault.example:8200/transit', secret: 'remit-vault' },
  serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/remit' } },
  podLabels: { 'azure.workload.identity/use': 'true' },
};
const plain = manifestsOf(rendered());
const outside = manifestsOf(rendered(kms));
const full = manifestsOf(rendered(everything));

const of = (manifests: readonly Manifest[], kind: string) => {
  const [found, ...more] = manifests.filter((each) => each.kind === kind);
  if (!found || more.length > 0) throw new Error(`${more.length + (found ? 1 : 0)} of ${kind}`);
  return found;
};

interface Container {
  readonly args: string[];
  readonly env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  readonly securityContext: Record<string, unknown>;
  readonly volumeMounts: { name: string; mountPath: string }[];
  readonly [probe: string]: unknown;
}

interface PodSpec {
  readonly containers: [Container];
  readonly securityContext: Record<string, unknown>;
  readonly terminationGracePeriodSeconds: number;
  readonly volumes: { name: string }[];
  readonly initContainers?: [Container & { readonly args: [string] }];
  readonly [part: string]: unknown;
}

const podOf = (manifest: Manifest) => (manifest.spec as { template: { spec: PodSpec } }).template.spec;

test('the chart makes what a cluster needs, and more where it is asked to', () => {
  const always = ['Deployment', 'Job', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount'];
  expect(plain.map(({ kind }) => kind).sort()).toEqual(always);
  const more = ['HorizontalPodAutoscaler', 'PrometheusRule', 'ServiceMonitor'];
  expect(full.map(({ kind }) => kind).sort()).toEqual([...always, ...more].sort());
  expect(of(full, 'Deployment').spec).not.toHaveProperty('replicas');
});

/** Kinds of Kubernetes itself, and the module of kubernetes-types that describes them. */
const described: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  Job: 'batch/v1',
  NetworkPolicy: 'networking/v1',
  PodDisruptionBudget: 'policy/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  Service: 'core/v1',
  ServiceAccount: 'core/v1',
};

test('what it makes has the shapes of Kubernetes, without a field that it does not know', () => {
  const checked = [...plain, ...outside, ...full].filter(({ kind }) => kind in described);
  const typed = checked.map(
    (each, index) =>
      `import type { ${each.kind} as T${index} } from 'kubernetes-types/${described[each.kind]}';\n` +
      `export const m${index}: T${index} = ${JSON.stringify(each)};`,
  );
  const folder = mkdtempSync(join(tmpdir(), 'remit-chart-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'manifests.ts'), typed.join('\n'));
    const tsc = join(root, 'node_modules/.bin/tsc');
    const words = ['--noEmit', '--strict', '--module', 'node16', '--types', '', 'manifests.ts'];
    execFileSync(tsc, words, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
    writeFileSync(join(folder, 'manifests.ts'), typed.join('\n').replace('"periodSeconds"', '"periodSecond"'));
    expect(() => execFileSync(tsc, words, { cwd: folder, stdio: 'pipe' })).toThrow();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each(['Deployment', 'Job'])('the containers of the %s have no rights, and cannot write', (kind) => {
  const pod = podOf(of(full, kind));
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000 });
  expect(pod.automountServiceAccountToken).toBe(false);
  expect(pod.containers[0].securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
});

test.each(['Deployment', 'Job'])('the root of the keys: the %s may write the volume where it is', (kind) => {
  const pod = podOf(of(plain, kind));
  expect(pod.volumes).toEqual([{ name: 'root', persistentVolumeClaim: { claimName: 'remit-root' } }]);
  expect(pod.containers[0].volumeMounts).toEqual([{ name: 'root', mountPath: '/var/lib/remit' }]);
  const settings = new Map(pod.containers[0].env.map(({ name, value }) => [name, value]));
  expect(settings.get('REMIT_MASTER_KEY_FILE')).toBe('/var/lib/remit/master.key');
  expect(settings.has('REMIT_ROOT_KEY')).toBe(false);
});

test.each(['Deployment', 'Job'])('the root of the keys: in a KMS, the %s has no volume for it', (kind) => {
  const pod = podOf(of(outside, kind));
  expect(pod.volumes).toEqual([{ name: 'root-access', secret: { secretName: 'remit-vault', defaultMode: 0o440 } }]);
  expect(pod.containers[0].volumeMounts).toEqual([
    { name: 'root-access', mountPath: '/run/secrets/remit', readOnly: true },
  ]);
  const settings = new Map(pod.containers[0].env.map(({ name, value }) => [name, value]));
  expect(settings.get('REMIT_ROOT_KEY')).toBe(kms.rootKey.url);
  expect(settings.has('REMIT_MASTER_KEY_FILE')).toBe(false);
  expect(pod.initContainers).toBeUndefined();
  expect(of(outside, 'ServiceAccount').metadata).toMatchObject(kms.serviceAccount);
  expect(of(outside, 'Deployment').spec).toMatchObject({ template: { metadata: { labels: kms.podLabels } } });
});

test('the first migration makes a root that the server takes, and no other one does', async () => {
  const [first] = podOf(of(plain, 'Job')).initContainers ?? [];
  const volume = mkdtempSync(join(tmpdir(), 'remit-chart-root-'));
  try {
    const script = String(first?.args[0]).replaceAll('/var/lib/remit', volume);
    const [shell = '', ...words] = (first?.command ?? []) as string[];
    const make = () => execFileSync(shell, [...words, script], { stdio: 'pipe' });
    make();
    const { id } = await loadMasterKeyFile(join(volume, 'master.key'), { production: true });
    make();
    expect((await loadMasterKeyFile(join(volume, 'master.key'), { production: true })).id).toBe(id);
    expect(readdirSync(volume)).toEqual(['master.key']);
  } finally {
    rmSync(volume, { recursive: true, force: true });
  }
});

test('settings are those that the server reads, and secrets are referred to alone', () => {
  const known = readFileSync(join(root, '.env.example'), 'utf8');
  const { env } = podOf(of(full, 'Deployment')).containers[0];
  expect(env.filter(({ name }) => !known.includes(`\n${name}=`))).toEqual([]);
  const secret = env.filter(({ valueFrom }) => valueFrom).map(({ name }) => name);
  expect(secret).toEqual(['DATABASE_URL', 'KEYS_DATABASE_URL']);
  expect(full.map(({ kind }) => kind)).not.toContain('Secret');
  for (const name of Object.keys(values.env as object)) expect(known).toContain(`\n${name}=`);
});

test('a pod is told to end, ends by itself, and is killed last', () => {
  const { env } = values as { env: Record<string, string> };
  const pod = podOf(of(plain, 'Deployment'));
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(env.SHUTDOWN_GRACE));
  const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => pod.containers[0][name]);
  expect(probes).toMatchObject(['/healthz', '/healthz', '/readyz'].map((path) => ({ httpGet: { path } })));
  // It is known to be leaving before it stops to listen.
  expect((probes[2] as { periodSeconds: number }).periodSeconds).toBeLessThanOrEqual(Number(env.SHUTDOWN_DELAY));
});

test('services, budgets and policies select the pods of the deployment, and not those of the migration', () => {
  const labelsOf = (kind: string) =>
    (of(full, kind).spec as { template: { metadata: { labels: Record<string, string> } } }).template.metadata.labels;
  const selectors = [
    (of(full, 'Service').spec as { selector: object }).selector,
    ...['Deployment', 'PodDisruptionBudget'].map(
      (kind) => (of(full, kind).spec as { selector: { matchLabels: object } }).selector.matchLabels,
    ),
    (of(full, 'NetworkPolicy').spec as { podSelector: { matchLabels: object } }).podSelector.matchLabels,
  ];
  for (const selector of selectors) {
    expect(labelsOf('Deployment')).toMatchObject(selector);
    expect(labelsOf('Job')).not.toMatchObject(selector);
  }
});

test('migrations run before each version, and the deployment waits for them', () => {
  const job = of(full, 'Job') as Manifest & { metadata: { annotations: Record<string, string> } };
  expect(job.metadata.annotations['helm.sh/hook']).toBe('pre-install,pre-upgrade');
  expect(podOf(job).containers[0].args).toEqual(['migrate']);
});

test('the operator’s rules are those of deploy/prometheus, with the runbooks where they are read', () => {
  const { groups } = of(full, 'PrometheusRule').spec as { groups: { rules: (typeof alertRules)[number][] }[] };
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.map(({ alert, expr }) => [alert, expr])).toEqual(alertRules.map(({ alert, expr }) => [alert, expr]));
  for (const { annotations } of rules) expect(annotations.runbook_url).toMatch(/^https:\/\/wiki\.example\/remit\/op/);
});

test('the chart has the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')).appVersion).toBe(version);
});

const helm = findExecutable('helm');
if (helm === undefined) {
  process.stderr.write('\n*** WARNING: helm was not found: the chart is rendered by the tests alone. ***\n');
} else {
  test('helm makes the same of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'remit-helm-'));
    writeFileSync(join(folder, 'values.yaml'), JSON.stringify(everything));
    const words = ['template', 'production', chart, '--namespace', 'privacy', '--values', join(folder, 'values.yaml')];
    const byHelm = manifestsOf(execFileSync(helm, words, { encoding: 'utf8' }));
    rmSync(folder, { recursive: true, force: true });
    const sorted = (all: readonly Manifest[]) => [...all].sort((a, b) => (a.kind < b.kind ? -1 : 1));
    expect(sorted(byHelm)).toEqual(sorted(full));
  });
}
