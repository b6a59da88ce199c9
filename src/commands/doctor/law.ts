import { DAY_MS } from '../../law/calendar';
import { law as heldLaw, validitiesOf } from '../../law/law';
import { counted } from '../counted';
import { countEndingApprovals } from './counts';
import { attention, type Check, type Finding, orWell } from './finding';
import type { Patient } from './patient';

const SOON_DAYS = 60;

/** What has to be reviewed: law that changes soon, suspended bases, approvals that end, proposals that wait. */
export const law: Check = {
  name: 'law',
  look: async (patient) =>
    orWell([...changes(Date.now()), ...(await reviews(patient))], `nothing changes within ${SOON_DAYS} days`),
};

/** @param now milliseconds since 1970 */
export function changes(now: number): Finding[] {
  const moments = validitiesOf(heldLaw).flatMap(({ from, to }) => [from, ...(to === null ? [] : [to])]);
  const soon = moments.filter((moment) => moment > now && moment < now + SOON_DAYS * DAY_MS);
  const days = [...new Set(soon)].sort((a, b) => a - b).map((moment) => new Date(moment).toISOString().slice(0, 10));
  return days.map((day) =>
    attention(
      `the law of transfers changes on ${day}`,
      'remit transfers assess --at DAY says what it will say; look for a new version',
    ),
  );
}

async function reviews({ regions }: Patient): Promise<Finding[]> {
  const now = Date.now();
  let ending = 0;
  for (const source of regions.all()) ending += await countEndingApprovals(source, now, now + SOON_DAYS * DAY_MS);
  const { home } = regions;
  const [suspended] = await home.query<Array<{ n: number }>>(
    'SELECT COUNT(*) AS n FROM legal_basis_suspension WHERE reinstated_from IS NULL OR reinstated_from > ?',
    [now],
  );
  const [proposed] = await home.query<Array<{ n: number }>>(
    "SELECT COUNT(*) AS n FROM proposal WHERE state = 'PROPOSED'",
  );
  return [
    ...noticed(
      ending,
      (n) => `${counted(n, 'approval')} of transfers ends within ${SOON_DAYS} days`,
      'remit transfers expiring',
    ),
    ...noticed(
      Number(suspended?.n ?? 0),
      (n) => `${counted(n, 'legal basis', 'legal bases')} suspended`,
      'legalBases in the API says by whom and why',
    ),
    ...noticed(
      Number(proposed?.n ?? 0),
      (n) => `${counted(n, 'proposal')} waiting for a second officer`,
      'proposals in the API lists them',
    ),
  ];
}

const noticed = (n: number, says: (n: number) => string, remedy: string): Finding[] =>
  n > 0 ? [attention(says(n), remedy)] : [];
