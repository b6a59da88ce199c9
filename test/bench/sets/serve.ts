import { type Contestant, compare, type Measured, printRatios, type Ratios, ratio } from '../support/interleaved';
import { connectionCounts, customers, rounds, seconds } from '../support/knobs';
import { type Asked, ask, beginningOf } from '../support/load';
import { appOf, post } from '../support/remit';
import { requestOf, type SideBySide, sameData, sideBySide } from '../support/side-by-side';
import { PAGE_NAME, type Variant, variants, worksFor } from '../support/work';

/** Ratios are stated at this many connections, or at the most that were asked for. */
const STATED = 16;

/** Throughput of every server on every work, and of Remit where a purpose reads half. */
export async function serve(): Promise<unknown> {
  const side = await sideBySide(customers());
  try {
    const measured = [...(await measureWorks(side)), ...(await measureVariants(side))];
    const memory = Object.fromEntries(side.servers.map((server) => [server.name, server.peakMemory()]));
    const sizes = Object.entries(memory).map(([name, mib]) => `${name} ${mib}`);
    process.stdout.write(`\npeak memory, MiB: ${sizes.join(', ')}\n`);
    const ratios = ratiosOf(measured);
    printRatios(ratios);
    return { measured, memory, ratios };
  } finally {
    await side.stop();
  }
}

const length = () => ({ connections: connectionCounts(), rounds: rounds(), seconds: seconds(1) });

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
  const counts = connectionCounts();
  const stated = counts.includes(STATED) ? STATED : Math.max(...counts);
  const of = (work: string) => measured.find((one) => one.work === work && one.connections === stated)?.courses ?? [];
  const page = of(PAGE_NAME);
  const ratios: Ratios = {};
  for (const { name } of page) {
    if (name === 'remit') continue;
    ratios[`governed Remit / ${name}, ${PAGE_NAME}, ${stated} connections`] = ratio(page, 'remit', name);
  }
  for (const { name } of variants) {
    const courses = of(`remit, page with ${name}`);
    ratios[`${name} / none, page, ${stated} connections`] = ratio(courses, name, 'all in the clear');
  }
  return ratios;
}
