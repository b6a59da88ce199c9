import { TenantReader } from '../../tenancy/tenant-reader';
import { Customer } from '../customer';
import { refusalOf, type WriteRefusal } from '../writable';
import type { ImportTarget } from './external-ids';
import type { Outcome } from './pending-rows';

/** Stands in for writing in a dry run: remembers what would be created, and asks what would be refused. */
export class DryRun {
  readonly #target: ImportTarget;
  readonly #created = new Set<string>();

  constructor(target: ImportTarget) {
    this.#target = target;
  }

  /** Notes a row that would be created. One that an earlier batch would have created counts as changed. */
  created(id: string): Outcome {
    if (!this.#target.isDryRun) return 'created';
    if (this.#created.has(id)) return 'updated';
    this.#created.add(id);
    return 'created';
  }

  /** People about whom nothing would be written. */
  async refused(customers: readonly string[]): Promise<Map<string, WriteRefusal>> {
    const { client, source, keys } = this.#target;
    const refused = new Map<string, WriteRefusal>();
    if (customers.length === 0) return refused;
    const rows = await new TenantReader(source, keys).select(Customer, {
      client,
      fields: ['restriction'],
      where: [{ field: 'id', is: 'in', value: [...new Set(customers)] }],
    });
    const states = new Map(rows.map(({ id, restriction }) => [String(id), restriction as string | null]));
    for (const id of customers) {
      const refusal = refusalOf(states.get(id));
      if (refusal) refused.set(id, refusal);
    }
    return refused;
  }
}
