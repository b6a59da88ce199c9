import { GraphQLError } from 'graphql';
import type { ErasureFiling, Filing } from './filing';

/** Customers of one page. */
export const PAGE = 500;

/** The result of a request to erase many people. */
export interface BulkFiling {
  /** How many erasures were requested. */
  requested: number;
  /** How many people were under erasure already. */
  underErasure: number;
  /** How many ids are of no customer of the client. */
  unknown: number;
  /** Whose erasure could not be requested, and why: a code, never an error's text. */
  readonly failed: Array<{ readonly customerId: string; readonly code: string; readonly error: unknown }>;
  /** Whether everybody was processed: false at the limit of one call, or when the database failed midway. */
  complete: boolean;
}

/**
 * Ids of customers, page by page in their order. Each page is read when the last one is finished.
 * @param read reads the ids behind one, or the first ones for '', in their order
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
 * Requests erasures page by page, each page in one transaction. When a page fails, its people are tried one by one, so
 * that one damaged row does not stop the others.
 * @param pages ids of customers
 * @throws the first failure, when nobody at all could be requested
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
    // The whole page failed, so the cause is not one person, and the rest would fail too.
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

/** Only codes of our own: an engine's error could reveal data. */
function failureOf(customerId: string, error: unknown): BulkFiling['failed'][number] {
  const code = error instanceof GraphQLError ? error.extensions.code : undefined;
  return { customerId, code: typeof code === 'string' ? code : 'FAILED', error };
}
