import { Ctx, Resolver, Root, Subscription } from 'type-graphql';
import type { DataSource } from 'typeorm';
import { type PolicyVersions, policyVersions, REGISTER } from '../identity/policy-version';
import { denied, type RequestContext, requireClient, requireRole } from '../identity/request-context';
import { overseers } from '../identity/roles';
import { versionsIn } from '../identity/version-reader';
import { ChangeFeed, type Outages, type Watched } from '../jobs/change-feed';
import type { EventStream } from '../jobs/event-stream';
import type { Suspension } from '../law/transfer';
import { inSnapshot } from '../storage/snapshot';
import { nextMomentOf } from './approval-state';
import type { StoredApproval } from './approval-store';
import type { TransfersModule } from './module';
import { presented } from './presented-approval';
import { windowOf } from './suspensions';
import { TransferApproval } from './transfer-approval';
import { courseOf } from './transfer-approvals';

/** How often versions are read, in milliseconds. A change on any replica arrives within this time. */
const EVERY_MS = 500;

/** What is known of a client's approvals: enough to see which have changed, without reading them. */
interface Seen {
  readonly version: number;
  readonly suspensions: readonly Suspension[];
  readonly approvals: ReadonlyMap<string, SeenApproval>;
  /** When time alone may change one of them next. */
  readonly next: number;
}

interface SeenApproval {
  /** How many acts it had. */
  readonly acts: number;
  /** Its state, and how much has happened to it. */
  readonly mark: string;
  readonly next: number;
}

type Client = Watched<Seen, TransferApproval>;

/**
 * The changes of clients' approvals, on any replica and for any cause: an officer's act, a date, a suspended basis.
 * While nothing changes, the versions of all watched clients are read together, and nothing else.
 */
export class TransferChanges {
  readonly #module: TransfersModule;
  readonly #outages: Outages;
  readonly #feeds = new Map<DataSource, ChangeFeed<Seen, TransferApproval>>();
  /** Those of the whole platform, at a version of the register. The same list is the same object. */
  #suspensions: { readonly register: number; readonly list: readonly Suspension[] } | undefined;

  constructor(module: TransfersModule, outages: Outages) {
    this.#module = module;
    this.#outages = outages;
  }

  /** Changes of one client's approvals, from now on. */
  async of(client: string): Promise<EventStream<TransferApproval>> {
    const source = await this.#module.regions.of(client);
    const look = (clients: readonly Client[]) => this.#look(source, clients);
    const feed = this.#feeds.get(source) ?? new ChangeFeed({ everyMs: EVERY_MS, look, outages: this.#outages });
    this.#feeds.set(source, feed);
    return feed.subscribe(client);
  }

  async #look(source: DataSource, clients: readonly Client[]): Promise<void> {
    const versions = await Promise.all(clients.map(({ key }) => policyVersions(this.#module.regions, key)));
    for (const [index, client] of clients.entries()) {
      const { client: own, register } = versions[index] as PolicyVersions;
      const suspensions = await this.#suspensionsAt(register);
      const { state } = client;
      const isSame = state?.version === own && state.suspensions === suspensions;
      if (!isSame || state.next <= Date.now()) client.state = await this.#read(source, client, suspensions);
    }
  }

  /** Reads those that may have changed, and tells those that have. */
  async #read(source: DataSource, client: Client, suspensions: readonly Suspension[]): Promise<Seen> {
    const { law } = this.#module;
    const before = client.state;
    const now = Date.now();
    const { version, changed } = await this.#mayHaveChanged(source, client, suspensions, now);
    const approvals = new Map(before?.approvals);
    for (const approval of changed) {
      const approved = presented(law, approval, suspensions, now);
      const mark = `${approved.state} ${approved.history.length}`;
      const next = nextMomentOf(courseOf(law, approval, suspensions), now);
      if (before && before.approvals.get(approval.id)?.mark !== mark) client.tell(approved, approval.id);
      approvals.set(approval.id, { acts: approval.events.length, mark, next });
    }
    let next = Number.POSITIVE_INFINITY;
    for (const one of approvals.values()) next = Math.min(next, one.next);
    return { version, suspensions, approvals, next };
  }

  /**
   * All at first and when suspensions have changed; later those that an officer acted on, or whose date has come. They
   * are read with the version that they belong to: a node that is behind is asked again.
   */
  #mayHaveChanged(
    source: DataSource,
    { key, state }: Client,
    suspensions: readonly Suspension[],
    now: number,
  ): Promise<{ version: number; changed: StoredApproval[] }> {
    const { store } = this.#module;
    return inSnapshot(source, async (from) => {
      const version = (await versionsIn(from, [key])).get(key) ?? 0;
      if (state?.suspensions !== suspensions) return { version, changed: await store.all(key, from) };
      const ids = new Set<string>();
      for (const [id, { next }] of state.approvals) if (next <= now) ids.add(id);
      if (state.version !== version) {
        for (const [id, acts] of await store.actsOf(key, from)) {
          if (state.approvals.get(id)?.acts !== acts) ids.add(id);
        }
      }
      return { version, changed: await store.some(key, [...ids], from) };
    });
  }

  async #suspensionsAt(register: number): Promise<readonly Suspension[]> {
    const known = this.#suspensions;
    if (known?.register === register) return known.list;
    const { home } = this.#module.regions;
    const read = await inSnapshot(home, async (from) => ({
      register: (await versionsIn(from, [REGISTER])).get(REGISTER) ?? 0,
      list: (await this.#module.suspensions.list(from)).map(windowOf),
    }));
    const isSame = JSON.stringify(known?.list) === JSON.stringify(read.list);
    this.#suspensions = { register: read.register, list: known && isSame ? known.list : read.list };
    return this.#suspensions.list;
  }
}

/** The subscription's resolver. type-graphql hands `subscribe` no instance, so the class is made around a service. */
export function transferSubscription(changes: TransferChanges): object {
  @Resolver()
  class TransferSubscription {
    @Subscription(() => TransferApproval, {
      description: "The client's approvals as their state changes, by an officer, by time, or with their legal basis.",
      subscribe: ({ context }) => changes.of(overseenClient(context as RequestContext)),
    })
    transferChanged(@Root() approval: TransferApproval, @Ctx() context: RequestContext): TransferApproval {
      if (overseenClient(context) !== approval.clientId) throw denied.client();
      return approval;
    }
  }
  return new TransferSubscription();
}

/** The client whose transfers the caller may follow. */
function overseenClient(context: RequestContext): string {
  requireRole(context, ...overseers);
  return requireClient(context).id;
}
