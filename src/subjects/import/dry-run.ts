import { TenantReader } from '../../tenancy/tenant-reader';
import { Customer } from '../customer';
import { refusalOf, type WriteRefusal } from '../writable';
import type { ImportTarget } from './external-ids';
import type { Outcome } from './pending-rows';

/** What an import that writes nothing has to remember of what it would have written, and to ask where it would write. */
export class DryRun {
  readonly #target: ImportTarget;
  readonly #created = new Set<string>();

  constructor(target: ImportTarget) {
    this.#target = target;
  }

  /** Notes a row that would be created; one that an earlier batch would have created would be there, and change. */
  created(id: string): Outcome {
    if (!this.#target.isDryRun) return 'created';
    if (this.#created.has(id)) return 'updated';
    this.#created.add(id);
    return 'created';
  }

  /** About whom nothing would be written. */
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
