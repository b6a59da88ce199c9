import { Column, type DataSource, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';
import {
  amount,
  amountColumn,
  count,
  countColumn,
  createTable,
  digest,
  digestColumn,
  id,
  idColumn,
  instant,
  instantColumn,
  nullable,
  sealed,
  sealedColumn,
  text,
  textColumn,
} from '../../src/storage/columns';
import { migrate, openDataSource } from '../../src/storage/data-source';
import { databases, type TestDatabase } from '../support/databases';

@Entity('sample')
class Sample {
  @PrimaryColumn({ name: 'client_id', ...idColumn })
  clientId: string;

  @PrimaryColumn({ ...textColumn(40) })
  slug: string;

  @Column({ ...digestColumn, nullable: true })
  digest: string | null;

  @Column({ name: 'placed_at', ...instantColumn })
  placedAt: number;

  @Column({ ...amountColumn })
  total: number;

  @Column({ ...countColumn })
  quantity: number;

  @Column({ ...sealedColumn })
  sealed: Buffer;
}

class CreateSample1700000000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTable(queryRunner, {
      name: 'sample',
      primaryKey: ['client_id', 'slug'],
      columns: [
        id('client_id'),
        text('slug', 40),
        nullable(digest('digest')),
        instant('placed_at'),
        amount('total'),
        count('quantity'),
        sealed('sealed'),
      ],
      indices: [{ columns: ['client_id', 'digest'], unique: true }],
    });
  }
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.dropTable('sample');
  }
}

describe.each(databases)('on $name', ({ create }) => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await create();
    dataSource = await openDataSource(database.databaseUrl, {
      variable: 'DATABASE_URL',
      entities: [Sample],
      migrations: [CreateSample1700000000001],
    });
    await migrate(dataSource);
  });

  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  const sample: Sample = {
    clientId: '0198c0de-0000-7000-8000-000000000001',
    slug: 'Größe 🛒',
    digest: 'aZ09_-'.padEnd(43, 'x'),
    placedAt: Date.UTC(2026, 10, 23, 12, 30, 15, 678),
    total: -9_007_199_254_740_991,
    quantity: 2_147_483_647,
    sealed: Buffer.alloc(100_000, 0xf7),
  };

  test('every value comes back as it went in, numbers as numbers, from entities and from raw rows', async () => {
    await dataSource.getRepository(Sample).insert(sample);
    expect(await dataSource.getRepository(Sample).findOneBy({ slug: sample.slug })).toEqual(sample);
    const raw = await dataSource.query('SELECT * FROM sample WHERE slug = ?', [sample.slug]);
    expect({ ...raw[0] }).toEqual({
      client_id: sample.clientId,
      slug: sample.slug,
      digest: sample.digest,
      placed_at: sample.placedAt,
      total: sample.total,
      quantity: sample.quantity,
      sealed: sample.sealed,
    });
    const sums = await dataSource.query('SELECT SUM(placed_at) AS time, COUNT(*) AS n FROM sample');
    expect({ ...sums[0] }).toEqual({ time: sample.placedAt, n: 1 });
  });

  test('text, ids and digests compare by bytes, and uniqueness holds within a client', async () => {
    const repository = dataSource.getRepository(Sample);
    const digestLower = sample.digest?.toLowerCase() ?? null;
    await repository.insert({ ...sample, slug: sample.slug.toLowerCase(), digest: digestLower });
    await expect(repository.insert({ ...sample, slug: 'another' })).rejects.toThrow(/unique|duplicate/i);
    await repository.insert({ ...sample, slug: 'null-1', digest: null });
    await repository.insert({ ...sample, slug: 'null-2', digest: null });
    expect(await repository.countBy({ digest: sample.digest ?? '' })).toBe(1);
  });

  test('text longer than its column is refused or kept whole, never cut', async () => {
    const slug = 'x'.repeat(41);
    await dataSource
      .getRepository(Sample)
      .insert({ ...sample, slug, digest: null })
      .catch(() => undefined);
    const rows = await dataSource.query<{ slug: string }[]>("SELECT slug FROM sample WHERE slug LIKE 'xxx%'");
    for (const row of rows) expect(row.slug).toBe(slug);
  });
});
