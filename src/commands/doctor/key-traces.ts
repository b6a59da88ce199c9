import type { DataSource } from 'typeorm';
import { statementDeletion } from '../../law/deadlines';
import { dialectOf } from '../../storage/dialect';
import { serverValues } from '../../storage/server-values';
import { counted } from '../counted';
import { attention, type Check, type Finding, ok } from './finding';

const MIB = 1024 * 1024;
/** The longest that an erased person's id may stay in a log. */
const LONGEST_DAYS = statementDeletion.period.days;

/** Settings of MariaDB and MySQL that say where old bytes of the keys' tables stay. A server has some of them. */
const SETTINGS = [
  ...(['log_bin', 'binlog_expire_logs_seconds', 'expire_logs_days', 'wsrep_on', 'wsrep_provider_options'] as const),
  ...(['general_log', 'slow_query_log', 'log_slow_query', 'server_audit_logging'] as const),
  ...(['innodb_log_file_size', 'innodb_log_files_in_group', 'innodb_redo_log_capacity'] as const),
  ...(['innodb_undo_log_truncate', 'innodb_immediate_scrub_data_uncompressed'] as const),
  ...(['innodb_background_scrub_data_uncompressed'] as const),
] as const;
type Settings = Partial<Record<(typeof SETTINGS)[number], string>>;

/**
 * Where the keys' server keeps old bytes: wrapped keys, and the ids beside them. Once an epoch has ended, the wrapped
 * keys open nothing, wherever they are; ids and times are what is left of them. Without epochs the keys open as long
 * as the root exists.
 */
export const keyTraces: Check = {
  name: 'key traces',
  look: async ({ keysStores, config }) => {
    const found: Finding[] = [];
    for (const { variable, source } of keysStores) {
      const traces = dialectOf(source).embedded ? await ofFile(source) : await ofServer(source, config.epoch !== 'off');
      found.push(...traces.map((finding) => ({ ...finding, says: `${variable}: ${finding.says}` })));
    }
    return found;
  },
};

async function ofFile(source: DataSource): Promise<Finding[]> {
  const [deleting] = await source.query<Array<{ secure_delete: number }>>('PRAGMA secure_delete');
  const [journal] = await source.query<Array<{ journal_mode: string }>>('PRAGMA journal_mode');
  const mode = journal?.journal_mode ?? 'unknown';
  return [
    deleting?.secure_delete === 1
      ? ok('what is deleted is overwritten in the file (secure_delete)')
      : attention(
          'what is deleted stays in free pages of the file (secure_delete is off)',
          'use the SQLite that comes with this program',
        ),
    mode === 'wal'
      ? ok('its log is emptied after each destruction (journal_mode is wal)')
      : attention(
          `its journal is kept in mode ${mode}: an erasure cannot know when it is empty`,
          'keep the file on a local disk: SQLite has no write-ahead log on a network file system',
        ),
  ];
}

async function ofServer(source: DataSource, withEpochs: boolean): Promise<Finding[]> {
  const settings = await serverValues(source, 'VARIABLES', SETTINGS);
  return [...logsOf(settings, withEpochs), ...statementLogs(settings), ...pagesOf(settings, withEpochs)];
}

/** What bytes of wrapped keys are worth to who finds them. */
const worth = (withEpochs: boolean): string =>
  withEpochs ? 'they open nothing once their epoch has ended' : 'they can be opened, for REMIT_EPOCH is off';

/** Logs that are kept for a time: the binary log, and the cluster's cache. */
function logsOf(settings: Settings, withEpochs: boolean): Finding[] {
  const found: Finding[] = [];
  if (isOn(settings.log_bin)) {
    const days = daysKept(settings);
    const says = `it keeps wrapped keys in its binary log ${keptFor(days)}: ${worth(withEpochs)}`;
    if (!withEpochs) found.push(attention(says, 'set REMIT_EPOCH=daily, or run that server without a binary log'));
    else if (days <= LONGEST_DAYS) found.push(ok(says));
    else {
      const remedy = `let it expire within ${LONGEST_DAYS} days: ids of erased people stay in it`;
      found.push(attention(says, remedy));
    }
  }
  const cache = /gcache\.size *= *(\w+)/.exec(settings.wsrep_provider_options ?? '')?.[1];
  if (isOn(settings.wsrep_on) && cache !== undefined) {
    const says = `every node of its cluster keeps wrapped keys in galera.cache (${cache}): ${worth(withEpochs)}`;
    found.push(
      withEpochs
        ? ok(says)
        : attention(says, 'set REMIT_EPOCH=daily, or give the keys a server of their own outside of the cluster'),
    );
  }
  return found;
}

/** Logs of statements: they have every wrapped key and id in plain text, and nothing ever empties them. */
function statementLogs(settings: Settings): Finding[] {
  const logs = [
    { name: 'general log', isOn: isOn(settings.general_log), off: 'general_log=OFF' },
    {
      name: 'slow query log',
      isOn: isOn(settings.slow_query_log) || isOn(settings.log_slow_query),
      off: 'slow_query_log=OFF',
    },
    { name: 'audit plugin', isOn: isOn(settings.server_audit_logging), off: 'server_audit_logging=OFF' },
  ];
  return logs
    .filter((log) => log.isOn)
    .map(({ name, off }) =>
      attention(
        `its ${name} writes statements, with ids of people in them, to where nothing expires`,
        `set ${off} there, and delete what it wrote`,
      ),
    );
}

/** The redo log, undo pages and freed pages: overwritten some day, and nobody knows when. */
function pagesOf(settings: Settings, withEpochs: boolean): Finding[] {
  const judged = (says: string): Finding =>
    withEpochs
      ? ok(`${says}: ${worth(true)}`)
      : attention(`${says}: ${worth(false)}`, 'set REMIT_EPOCH=daily: no overwriting ends this');
  const redo =
    Number(settings.innodb_redo_log_capacity ?? 0) ||
    Number(settings.innodb_log_file_size ?? 0) * Number(settings.innodb_log_files_in_group ?? 1);
  const scrubs =
    settings.innodb_immediate_scrub_data_uncompressed ?? settings.innodb_background_scrub_data_uncompressed;
  return [
    ...(redo > 0 ? [judged(`the last ${Math.round(redo / MIB)} MiB of changes are in the redo log`)] : []),
    ...(settings.innodb_undo_log_truncate === 'OFF'
      ? [judged('undo pages are not given back (innodb_undo_log_truncate=OFF)')]
      : []),
    ...(scrubs === 'OFF' ? [judged('freed pages keep their bytes (scrubbing is off)')] : []),
    ...(isOn(scrubs) ? [ok('freed pages are overwritten (scrubbing is on); parts of pages in use are not')] : []),
  ];
}

const isOn = (value: string | undefined): boolean => value === 'ON' || value === '1';

/** How long the binary log keeps what is in it; infinitely many days where nothing ends it. */
function daysKept(settings: Settings): number {
  const seconds = Number(settings.binlog_expire_logs_seconds ?? 0) || Number(settings.expire_logs_days ?? 0) * 86_400;
  return seconds === 0 ? Number.POSITIVE_INFINITY : Math.ceil(seconds / 86_400);
}

const keptFor = (days: number): string => (Number.isFinite(days) ? `for ${counted(days, 'day')}` : 'for ever');
