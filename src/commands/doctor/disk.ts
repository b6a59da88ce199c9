import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { attention, type Check, type Finding, fault, orWell } from './finding';
import { isOpenToOthers } from './settings';

const MIB = 1024 * 1024;
const LITTLE = 1024 * MIB;
const NOTHING_LEFT = 64 * MIB;
const LONG_LOG = 256 * MIB;

/** Room for the embedded stores, the length of their logs, and who may read their files. */
export const disk: Check = {
  name: 'disk',
  look: async ({ open }) => {
    const found: Finding[] = [];
    for (const { variable, address } of open) {
      if (address.kind !== 'sqlite' || address.path === ':memory:') continue;
      found.push(...(await looked(variable, address.path)));
    }
    return open.length === 0 ? [] : orWell(found, 'there is room, and no file is open to others');
  },
};

async function looked(variable: string, path: string): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(dirname(path));
  const free = bavail * bsize;
  const says = `${variable}: ${Math.floor(free / MIB)} MiB are free`;
  const log = await stat(`${path}-wal`).then(
    ({ size }) => size,
    () => 0,
  );
  return [
    ...(free < NOTHING_LEFT ? [fault(says, 'make room: with a full disk nothing is written or answered')] : []),
    ...(free >= NOTHING_LEFT && free < LITTLE ? [attention(says, 'make room')] : []),
    ...(log > LONG_LOG
      ? [attention(`${variable}: its log has ${Math.floor(log / MIB)} MiB`, 'end the process that reads it for long')]
      : []),
    ...((await isOpenToOthers(path))
      ? [fault(`${variable}: ${path} is open to every user`, `run: chmod 600 ${path}`)]
      : []),
  ];
}
