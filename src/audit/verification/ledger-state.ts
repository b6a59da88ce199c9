import type { DataSource } from 'typeorm';
import type { Regions } from '../../storage/regions';
import { keptHeads } from '../log/checkpoint-store';
import { timeOfId } from '../log/entry';
import { chainOf } from '../log/key-history';
import type { Ledger } from '../log/ledger';
import { verifyLedger } from './verification';

/** Verification reads every entry, so its result is reused for this long. Milliseconds. */
const KNOWN_FOR_MS = 60_000;

/** The ledger's state in words, for reports. It is verified when somebody asks. */
export class LedgerState {
  readonly #regions: Regions;
  readonly #keysSource: DataSource;
  readonly #ledger: Ledger;
  #known: { at: number; words: Promise<string> } | undefined;

  constructor({ regions, keysSource }: { regions: Regions; keysSource: DataSource }, ledger: Ledger) {
    this.#regions = regions;
    this.#keysSource = keysSource;
    this.#ledger = ledger;
  }

  /** `sound, …`, or the first finding. */
  words(): Promise<string> {
    const now = Date.now();
    if (!this.#known || now - this.#known.at > KNOWN_FOR_MS) {
      const words = this.#verify();
      this.#known = { at: now, words };
      words.catch(() => {
        this.#known = undefined;
      });
    }
    return this.#known.words;
  }

  async #verify(): Promise<string> {
    const { keys: publicKey, fault } = await chainOf(await this.#ledger.keys.history());
    const { heads, forged } = await keptHeads(this.#keysSource, publicKey);
    const last = await lastEntry(this.#regions.all());
    const report = await verifyLedger(this.#regions.all(), { publicKey, witnessed: heads, anchored: [] });
    if (fault !== undefined) return `NOT SOUND: ${fault}`;
    const [first] = report.findings;
    if (first) return `NOT SOUND: log ${first.log}, entry ${first.sequence}: ${first.message}`;
    if (forged.length > 0) return `NOT SOUND: log ${forged[0]}: its head in the keys' store is forged`;
    const gaps = report.acknowledged.length === 0 ? '' : `, ${report.acknowledged.length} acknowledged gaps`;
    const until = last === undefined ? 'its beginning' : new Date(timeOfId(last)).toISOString();
    const logs = report.logs.length === 1 ? '1 log' : `${report.logs.length} logs`;
    return `sound, verified up to ${until}: ${report.entries} entries in ${logs}${gaps}`;
  }
}

async function lastEntry(sources: readonly DataSource[]): Promise<string | undefined> {
  const last: string[] = [];
  for (const source of sources) {
    const [row] = await source.query<Array<{ last: string | null }>>('SELECT MAX(entry_id) AS last FROM audit_entry');
    if (row?.last) last.push(row.last);
  }
  return last.sort().at(-1);
}
