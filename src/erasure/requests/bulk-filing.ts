import { GraphQLError } from 'graphql';
import type { ErasureFiling, Filing } from './filing';

/** Customers of one page. */
export const PAGE = 500;

/** What became of a request to erase many: nobody is left out in silence. */
export interface BulkFiling {
  /** How many were filed. */
  requested: number;
  /** How many were under erasure already. */
  underErasure: number;
  /** How many the client does not have. */
  unknown: number;
  /** Who could not be filed, and why: a code, never an error's words. */
  readonly failed: Array<{ readonly customerId: string; readonly code: string; readonly error: unknown }>;
  /** Whether everybody was looked at: false at the bound of one call, or where the database failed midway. */
  complete: boolean;
}

/**
 * Ids of customers, page by page in their order; each page is looked for when the last one is done with.
 * @param read the ids after one, or the first ones after '', in their order; none where there are no more
 */
export async function* pagesOf(read: (after: string) => Promise<string[]>): AsyncGenerator<readonly string[]> {
  for (let after = ''; ; ) {
    const ids = await read(after);
    const last = ids.at(-1);
    if (last === undefined) return;
    yield ids;
    after = last;
  }
}

/**
 * Files erasures page by page, each page in one transaction. Where a page cannot be filed its persons are filed one by
 * one, so that one whose row is damaged keeps nobody else from being erased.
 * @param pages ids of customers; persons of a page that were filed need not come again
 * @throws whatever failed, where nothing at all could be filed
 */
export async function fileInBulk(
  erasures: ErasureFiling,
  client: string,
  filing: Filing,
  pages: AsyncIterable<readonly string[]>,
  limit = Number.POSITIVE_INFINITY,
): Promise<BulkFiling> {
  const report: BulkFiling = { requested: 0, underErasure: 0, unknown: 0, failed: [], complete: true };
  const file = async (ids: readonly string[]) => {
    const { requests, underErasure } = await erasures.file(client, ids, filing);
    report.requested += requests.size;
    report.underErasure += underErasure.length;
    report.unknown += ids.length - requests.size - underErasure.length;
  };
  for await (const page of pages) {
    if (report.requested >= limit) return { ...report, complete: false };
    const failed = await file(page).then(
      () => [],
      (error: unknown) => (page.length === 1 ? [failureOf(page[0] ?? '', error)] : fileSingly(page, file)),
    );
    report.failed.push(...failed);
    const [first] = failed;
    if (!first || failed.length < page.length) continue;
    // Nobody of the page could be filed: that is no single person's fault, and the rest would fail as well.
    if (report.requested === 0 && report.failed.length === failed.length && page.length > 1) throw first.error;
    if (page.length > 1) return { ...report, complete: false };
  }
  return report;
}

async function fileSingly(
  ids: readonly string[],
  file: (ids: readonly string[]) => Promise<void>,
): Promise<BulkFiling['failed']> {
  const failed: BulkFiling['failed'] = [];
  for (const id of ids) await file([id]).catch((error: unknown) => failed.push(failureOf(id, error)));
  return failed;
}

/** Our own code, where there is one: an engine's would tell what is inside. */
function failureOf(customerId: string, error: unknown): BulkFiling['failed'][number] {
  const code = error instanceof GraphQLError ? error.extensions.code : undefined;
  return { customerId, code: typeof code === 'string' ? code : 'FAILED', error };
}
