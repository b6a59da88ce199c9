import { Gauge, Registry } from 'prom-client';
import { inTime, textOf } from '../../src/gateway/scrape';

const never = () => new Promise<never>(() => undefined);

test('a metric that fails or hangs is left out and counted, and all others are given', async () => {
  const registry = new Registry();
  const gauge = (name: string, collect: (this: Gauge) => void | Promise<void>) =>
    new Gauge({ name, help: name, registers: [registry], collect });
  gauge('sound', function () {
    this.set(1);
  });
  gauge('failing', () => Promise.reject(new Error('the database is away')));
  gauge('hanging', never);
  gauge('asking', async function () {
    this.set((await inTime(registry, Promise.reject<number>(new Error('away')))) ?? Number.NaN);
  });
  expect(await textOf(registry)).toMatch(/^sound 1$[\s\S]*^asking Nan$/m);
  const text = await textOf(registry);
  expect(text).not.toMatch(/^(failing|hanging) /m);
  const failures = Number(/^remit_metrics_failures_total (\d+)$/m.exec(text)?.[1]);
  expect(failures).toBeGreaterThan(3);
}, 30_000);
