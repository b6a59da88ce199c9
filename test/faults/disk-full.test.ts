import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './asking';
import { inWords, Loaded, nothingWrong } from './loaded';
import { mountSmallDisk } from './small-disk';

jest.setTimeout(240_000);

test('a disk that is full for a while loses nothing that was acknowledged', async () => {
  const disk = await mountSmallDisk(24);
  if (!disk) {
    process.stderr.write('LEFT OUT: this user may mount no disk, so none was filled.\n');
    return;
  }
  const database = {
    databaseUrl: `sqlite:${join(disk.folder, 'remit.db')}`,
    keysDatabaseUrl: `sqlite:${join(disk.folder, 'keys.db')}`,
    drop: () => disk.remove(),
  };
  const loaded = await Loaded.open(database, { processes: { one: {} }, lanes: 6 });
  try {
    const [served] = loaded.processes;
    if (!served) throw new Error('nothing is served');
    loaded.begin();
    await sleep(5_000);
    await disk.fill();
    await sleep(8_000);
    await disk.free();
    const freed = Date.now();
    await until('it answers again', () => loaded.answers(served));
    await sleep(5_000);
    // What another process sees is what was kept.
    await served.crash();
    await sleep(3_000);
    const left = await loaded.settle();
    process.stdout.write(`disk full: ${inWords(loaded.tally)}; recovered after ${loaded.recovery(freed, 20_000)} ms\n`);
    expect(loaded.tally.wrong).toEqual([]);
    expect(left).toEqual(nothingWrong);
  } finally {
    await loaded.close();
    await database.drop();
  }
});
