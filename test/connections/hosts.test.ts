import { type Host, Hosts } from '../../src/connections/hosts';

const host = (name: string, group = 0): Host => ({ name, port: 3306, group });
const [a, b, far] = [host('a'), host('b'), host('far', 1)];

describe('which host a new connection goes to', () => {
  let now = 0;
  const hosts = (order: 'in-order' | 'random' = 'in-order') => new Hosts([a, b, far], order, () => now);
  const names = (chosen: Hosts, count: number) => Array.from({ length: count }, () => chosen.next().name);
  beforeEach(() => {
    now = 0;
  });

  it('is the first, or any of the first group', () => {
    expect(names(hosts(), 3)).toEqual(['a', 'a', 'a']);
    expect(new Set(names(hosts('random'), 100))).toEqual(new Set(['a', 'b']));
  });

  it('is the next one while the first is left alone, and a later group’s only after all before it', () => {
    const chosen = hosts();
    chosen.failed(a);
    expect(names(chosen, 2)).toEqual(['b', 'b']);
    chosen.failed(b);
    expect(names(chosen, 2)).toEqual(['far', 'far']);
  });

  it('is the first again by one connection at a time, after pauses that double up to 30 s', () => {
    const chosen = hosts();
    chosen.failed(a);
    // Connections that fail together count once.
    chosen.failed(a);
    const tried: number[] = [];
    for (now = 0; now < 120_000; now += 100) {
      if (chosen.next() !== a) continue;
      tried.push(now);
      expect(chosen.next()).toBe(b);
      chosen.failed(a);
    }
    expect(tried).toEqual([1_000, 3_000, 7_000, 15_000, 31_000, 61_000, 91_000]);
    now = 121_000;
    expect(chosen.next()).toBe(a);
    chosen.worked(a);
    expect(names(chosen, 3)).toEqual(['a', 'a', 'a']);
  });

  it('is the one whose pause ends first where all are left alone', () => {
    const chosen = hosts();
    for (const each of [b, a, far]) {
      now += 10;
      chosen.failed(each);
    }
    expect(chosen.next()).toBe(b);
    expect(chosen.next()).toBe(a);
  });
});
