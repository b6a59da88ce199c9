import {
  type Contestant,
  compare,
  type Measured,
  printRatios,
  type Ratios,
  ratio,
  statedAt,
} from '../support/interleaved';
import { connectionCounts, customers, peers, rounds, seconds } from '../support/knobs';
import { type Asked, ask, beginningOf, spread } from '../support/load';
import { appOf, post } from '../support/remit';
import { requestOf, type SideBySide, sameData, sideBySide } from '../support/side-by-side';
import { BY_ID_NAME, type Variant, variants, worksFor } from '../support/work';

/** Callers of point reads wait for one another's commits: with many of them that wait is no longer what is measured. */
const CROWD = 64;
const inCrowd: ReadonlySet<string> = new Set(['remit', 'floor', 'mercurius-jit']);

/** Throughput of every server on every work, and of Remit where a purpose reads half. */
export async function serve(): Promise<unknown> {
  const side = await sideBySide(customers(), peers());
  try {
    const works = await measureWorks(side);
    const memory = Object.fromEntries(side.servers.map((server) => [server.name, server.peakMemory()]));
    const measured = [...works, ...(await measureVariants(side))];
    const sizes = Object.entries(memory).map(([name, mib]) => `${name} ${mib}`);
    process.stdout.write(`\npeak memory, MiB: ${sizes.join(', ')}\n`);
    const ratios = { ...ratiosOf(measured), ...memoryRatios(memory) };
    printRatios(ratios);
    return { measured, memory, ratios };
  } finally {
    await side.stop();
  }
}

const length = () => ({ connections: connectionCounts(), rounds: rounds(), seconds: seconds() });

async function measureWorks({ servers, sample, headers }: SideBySide): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const work of worksFor(sample)) {
    const expected = await sameData(servers, work, headers);
    const contestants = servers.map(
      (server): Contestant => ({
        name: server.name,
        server,
        asked: [{ request: requestOf(server.name, work, headers), expected }],
      }),
    );
    measured.push(...(await compare(work.name, contestants, length())));
    if (work.name !== BY_ID_NAME || connectionCounts().includes(CROWD)) continue;
    const some = contestants.filter(({ name }) => inCrowd.has(name));
    measured.push(...(await compare(work.name, some, { ...length(), connections: [CROWD] })));
  }
  return measured;
}

/** The same document for the purpose that reads everything, and for one that reads half: less work, never more. */
async function measureVariants(side: SideBySide): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const variant of variants) {
    const half = await checked(side, variant);
    const whole = await answered(side, variant, 'SERVICE_DELIVERY');
    if (whole.withheld + whole.deidentified > 0) throw new Error(`${variant.name}: SERVICE_DELIVERY does not read all`);
    const contestants = [
      { name: variant.name, server: side.remit, asked: [half] },
      { name: 'all in the clear', server: side.remit, asked: [whole.asked] },
    ];
    measured.push(...(await compare(`remit, page with ${variant.name}`, contestants, length())));
  }
  return measured;
}

async function checked(side: SideBySide, variant: Variant): Promise<Asked> {
  const { asked, withheld, deidentified } = await answered(side, variant, variant.purpose);
  if (withheld !== variant.withheld || deidentified !== variant.deidentified) {
    throw new Error(`${variant.name}: ${withheld} withheld, ${deidentified} de-identified of ${variant.fields}`);
  }
  return asked;
}

async function answered(
  { installation, slug, remit }: SideBySide,
  { document }: Variant,
  purpose: string,
): Promise<{ asked: Asked; withheld: number; deidentified: number }> {
  const request = post(await appOf(installation, slug, purpose), document);
  const answer = await ask(remit, request);
  const { governance } = answer.extensions as { governance: Record<'withheld' | 'deidentified', unknown[]> };
  const { withheld, deidentified } = governance;
  const asked = { request, expected: beginningOf(answer) };
  return { asked, withheld: withheld.length, deidentified: deidentified.length };
}

function ratiosOf(measured: readonly Measured[]): Ratios {
  const stated = statedAt(connectionCounts());
  const ratios: Ratios = {};
  for (const { work, connections, courses } of measured) {
    const where = `${connections} connections`;
    for (const { name } of courses) {
      if (name === 'remit' || !courses.some((course) => course.name === 'remit')) continue;
      ratios[`governed Remit / ${name}, ${work}, ${where}`] = ratio(courses, 'remit', name);
    }
    const variant = variants.find(({ name }) => courses.some((course) => course.name === name));
    if (!variant || connections !== stated) continue;
    ratios[`${variant.name} / none, page, ${where}`] = ratio(courses, variant.name, 'all in the clear');
  }
  return ratios;
}

/** Of the most memory that each held while all were loaded with the same works. */
function memoryRatios({ remit, ...others }: Readonly<Record<string, number>>): Ratios {
  return Object.fromEntries(
    Object.entries(others).map(([name, most]) => [`peak memory, Remit / ${name}`, spread([(remit ?? 0) / most])]),
  );
}
