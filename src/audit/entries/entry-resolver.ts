import { Arg, Ctx, ID, Int, Query, Resolver } from 'type-graphql';
import { type Connection, page, pageSize, positionOf } from '../../api/paging';
import type { ProcessingPurpose } from '../../governance/vocabulary';
import { type Role, sideOf } from '../../identity/caller';
import { cursorsOf } from '../../identity/cursors';
import { denied, type RequestContext, requireClient, requireRole } from '../../identity/request-context';
import { privacyOfficers } from '../../identity/roles';
import type { DerivedKeys } from '../../keys/derived-keys';
import { originOf, verifierKey } from '../log/checkpoint';
import type { AuditEntry } from '../log/entry';
import { signerOf } from '../log/key-history';
import type { Ledger } from '../log/ledger';
import { tlogProof } from '../log/proof';
import {
  AuditCheckpointType,
  AuditEntryConnection,
  AuditEntryFilter,
  AuditEntryType,
  AuditProofType,
} from './entry-types';
import type { AuditReader } from './reader';
import { isUnreported } from './unreported';

const readers = [...privacyOfficers, 'AUDITOR'] as const;

/** The ledger, for privacy officers and auditors. A client sees only its own entries (statement S1). */
@Resolver()
export class AuditResolver {
  constructor(
    private readonly reader: AuditReader,
    private readonly ledger: Ledger,
    private readonly cursorKeys: DerivedKeys,
    /**
     * Since when a gag order hides entries from a client, in milliseconds since 1970; undefined where none is in force.
     */
    private readonly gaggedSince: (client: string) => Promise<number | undefined>,
  ) {}

  @Query(() => AuditEntryConnection, {
    description:
      'Accesses and changes to governance, the newest first. With a token that names no client: everybody’s.',
  })
  async auditEntries(
    @Ctx() context: RequestContext,
    @Arg('first', () => Int, { nullable: true }) first?: number,
    @Arg('after', () => String, { nullable: true }) after?: string,
    @Arg('filter', () => AuditEntryFilter, { nullable: true }) filter?: AuditEntryFilter,
  ): Promise<Connection<AuditEntryType>> {
    const client = scopeOf(context);
    if (filter?.subject && client === undefined) throw denied.client();
    const size = pageSize(first);
    const cursors = cursorsOf(context, this.cursorKeys, 'Query.auditEntries', () => filter);
    const position = positionOf(after, cursors);
    const omitted = await this.#omitted(context);
    const entries = await this.reader.entries(client, filter ?? {}, size + 1, position, omitted);
    const shown = await Promise.all(entries.map((entry) => this.#shown(entry)));
    return page(shown, size, position, cursors, ({ id }) => id);
  }

  @Query(() => AuditProofType, { nullable: true, description: 'Proves that an entry is in its log.' })
  async auditProof(
    @Ctx() context: RequestContext,
    @Arg('entryId', () => ID) entryId: string,
  ): Promise<AuditProofType | null> {
    const proof = await this.reader.proof(scopeOf(context), entryId, await this.#omitted(context));
    return proof ? { ...proof, tlogProof: tlogProof(proof) } : null;
  }

  @Query(() => [AuditCheckpointType], { description: 'The latest signed state of each log that may still grow.' })
  async auditCheckpoint(@Ctx() context: RequestContext): Promise<AuditCheckpointType[]> {
    scopeOf(context);
    const history = await this.ledger.keys.history();
    const { publicKey: newest } = await this.ledger.signer();
    const checkpoints = await this.reader.checkpoints();
    return Promise.all(
      checkpoints.map(async ({ log, size, root, note }) => {
        const { publicKey } = (await signerOf(note, history)) ?? { publicKey: newest };
        return { log, size, root: root.toString('base64'), note, verifierKey: verifierKey(originOf(log), publicKey) };
      }),
    );
  }

  /** Filter for this reader: anyone outside platform staff and auditors does not see entries under a gag order. */
  async #omitted({ claims, client }: RequestContext): Promise<(entry: AuditEntry) => boolean> {
    const side = sideOf(claims.roles);
    const isTold = side === 'PLATFORM' || side === 'AUDITOR';
    const since = isTold || !client ? undefined : await this.gaggedSince(client.id);
    return (entry) => since !== undefined && isUnreported(entry, since);
  }

  async #shown(entry: AuditEntry): Promise<AuditEntryType> {
    const { coordinates = {}, codes = {}, details = {}, rowsWithheld = [], microseconds } = entry;
    return {
      id: entry.id,
      kind: entry.kind,
      time: new Date(entry.time),
      client: entry.client,
      principal: (await this.reader.nameOf(entry)) ?? null,
      roles: (entry.roles ?? []) as readonly Role[],
      purpose: (entry.purpose ?? null) as ProcessingPurpose | null,
      permissions: entry.permissions ?? [],
      operation: entry.operation ?? null,
      operationHash: entry.operationHash ?? null,
      coordinates: Object.entries(coordinates).map(([coordinate, outcome]) => ({
        coordinate,
        outcome,
        rowsWithheld: rowsWithheld.includes(coordinate),
      })),
      codes: Object.entries(codes).map(([code, rows]) => ({ code, rows })),
      subjects: entry.subjects ?? [],
      country: entry.country ?? null,
      transferBases: entry.transferBases ?? [],
      policyVersion: entry.policyVersion ?? null,
      decisionId: entry.decision ?? null,
      latency: microseconds === undefined ? null : microseconds / 1000,
      result: entry.result ?? null,
      details: Object.entries(details).map(([name, value]) => ({ name, value: value === null ? null : String(value) })),
      log: entry.log,
      sequence: entry.sequence,
    };
  }
}

/**
 * The client whose entries the caller may see; undefined for all clients.
 * @throws {GraphQLError} UNAUTHENTICATED or FORBIDDEN
 */
export function scopeOf(context: RequestContext): string | undefined {
  requireRole(context, ...readers);
  // A token that names a client is limited to that client, and must never fall back to all.
  if (context.claims.tenant !== undefined || context.claims.roles.includes('CLIENT_PRIVACY_OFFICER')) {
    return requireClient(context).id;
  }
  return undefined;
}
