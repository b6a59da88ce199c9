import type { DataSource } from 'typeorm';
import { inTransaction } from '../../storage/transaction';
import type { LogHead } from '../log/appender';
import type { Ledger } from '../log/ledger';
import { appendAnchors } from './anchor-file';

export type Head = LogHead & { readonly source: DataSource };

/** An outside party that is shown checkpoints, so that what they cover can no longer be rewritten. */
export interface Anchor {
  readonly kind: 'file' | 'witness' | 'timestamp';
  /**
   * @param anchored the size of the last anchored checkpoint; 0 at first
   * @returns the answer to keep; undefined where the anchor keeps it itself
   */
  anchor(head: Head, anchored: number): Promise<Buffer | undefined>;
}

/** Shows each log's latest checkpoint to every anchor. */
export class Anchoring {
  readonly #ledger: Ledger;
  readonly #anchors: readonly Anchor[];
  readonly #onFailure: (error: unknown) => void;
  readonly #anchored = new Map<string, number>();

  constructor(ledger: Ledger, anchors: readonly Anchor[], onFailure: (error: unknown) => void) {
    this.#ledger = ledger;
    this.#anchors = anchors;
    this.#onFailure = onFailure;
  }

  /** Anchors what is durable now. Where an anchor fails, that is reported, and tried again next time. */
  async run(): Promise<void> {
    for (const head of this.#anchors.length > 0 ? await this.#ledger.heads() : []) {
      for (const anchor of this.#anchors) await this.#show(anchor, head).catch(this.#onFailure);
    }
  }

  /** How many durable entries the slowest anchor does not cover yet. */
  async unanchored(): Promise<number> {
    let most = 0;
    for (const { logId, size } of this.#anchors.length > 0 ? await this.#ledger.heads() : []) {
      for (const { kind } of this.#anchors) most = Math.max(most, size - (this.#anchored.get(`${kind} ${logId}`) ?? 0));
    }
    return most;
  }

  async #show(anchor: Anchor, head: Head): Promise<void> {
    const key = `${anchor.kind} ${head.logId}`;
    const anchored = this.#anchored.get(key) ?? 0;
    if (anchored === head.size) return;
    const receipt = await anchor.anchor(head, anchored);
    this.#anchored.set(key, head.size);
    if (!receipt) return;
    const values = [head.logId, head.size, anchor.kind, Date.now(), receipt];
    await inTransaction(head.source, (manager) =>
      manager.query(
        'INSERT INTO audit_anchor (log_id, tree_size, kind, anchored_at, receipt) VALUES (?, ?, ?, ?, ?)',
        values,
      ),
    );
  }
}

/** An append-only file; see anchor-file.ts. */
export const fileAnchor = (path: string): Anchor => ({
  kind: 'file',
  anchor: async ({ checkpoint }) => {
    await appendAnchors(path, [checkpoint]);
    return undefined;
  },
});
