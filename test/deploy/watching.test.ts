import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { textOf } from '../docs/pages';
import { root } from '../support/root';
import { alertRules, findPromtool, rulesFile, runPromtool } from './alert-rules';
import { dashboardExpressions } from './dashboard';

const promtool = findPromtool();
const madeSeries = join(root, 'deploy/prometheus/alerts.test.yaml');
const names = alertRules.map(({ alert }) => alert);

(promtool ? describe : describe.skip)('Prometheus', () => {
  const tool = promtool ?? '';

  it('loads the alert rules', () => {
    expect(runPromtool(tool, ['check', 'rules', rulesFile])).toEqual({
      ok: true,
      output: expect.stringContaining(`${alertRules.length} rules found`),
    });
  });

  it('raises each alert on made series, and not before it is due', () => {
    const tests = (parse(readFileSync(madeSeries, 'utf8')) as { tests: { name: string }[] }).tests;
    expect(tests.map(({ name }) => name).filter((name) => names.includes(name))).toEqual(names);
    expect(runPromtool(tool, ['test', 'rules', madeSeries])).toMatchObject({ ok: true });
  });

  it('reads every expression of the dashboard', () => {
    const rules = dashboardExpressions.map((expr, index) => ({ record: `panel:${index}`, expr }));
    const files = { 'panels.yaml': JSON.stringify({ groups: [{ name: 'panels', rules }] }) };
    expect(runPromtool(tool, ['check', 'rules', '--lint=none', 'panels.yaml'], files)).toMatchObject({ ok: true });
  });
});

test('each alert has one runbook and each runbook one alert', () => {
  const headings = [...textOf('docs/operations.md').matchAll(/^### (Remit\w+)$/gm)].map(([, name]) => name);
  expect(headings).toEqual(names);
  for (const { alert, annotations } of alertRules) {
    expect(annotations.runbook_url).toBe(`https://remit.example/docs/operations.md#${alert.toLowerCase()}`);
  }
});

test('each alert says how grave it is', () => {
  const unknown = alertRules.filter(({ labels }) => !['critical', 'warning'].includes(labels.severity));
  expect(unknown).toEqual([]);
});
