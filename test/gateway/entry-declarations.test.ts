import { GraphQLObjectType } from 'graphql';
import 'reflect-metadata';
import { Mutation, Query, Resolver } from 'type-graphql';
import { governContracts } from '../../src/app';
import { buildApi } from '../../src/gateway/schema';
import { unrecorded } from '../../src/identity/change-recorder';
import { ENTRY_DECLARATION, type EntryDeclaration, Leaves } from '../../src/identity/entry-declarations';
import { openTestApp } from '../support/app';
import { databases } from '../support/databases';

/** Mutations that change no governance; whoever adds one says why. */
const silent = ['createCustomer', 'updateCustomer'];

describe('attack S10: whatever changes governance leaves an entry', () => {
  it('attack S10: every mutation of the schema says which, or why none', async () => {
    const [database] = databases;
    if (!database) throw new Error('there is no database');
    const store = await database.create();
    const app = await openTestApp(store);
    const { schemas } = governContracts(app.services, app.stores.keys, Buffer.alloc(32), () => undefined);
    const mutations = Object.values(schemas.api.getMutationType()?.getFields() ?? {});
    const declared = mutations.map(
      ({ name, extensions }) => [name, extensions[ENTRY_DECLARATION] as EntryDeclaration] as const,
    );
    expect(declared.length).toBeGreaterThan(30);
    for (const [name, { entries, because }] of declared) {
      if (silent.includes(name)) expect(because).toMatch(/\w+ \w+/);
      else expect({ name, entries }).toEqual({ name, entries: expect.arrayContaining([expect.any(String)]) });
    }
    await app.close();
    await store.drop();
  });

  it('attack S10: a schema with a mutation that says neither does not start', () => {
    @Resolver()
    class Undeclared {
      @Query(() => String)
      nothing(): string {
        return '';
      }

      @Mutation(() => String)
      changeSomething(): string {
        return '';
      }
    }
    expect(() => buildApi([new Undeclared()])).toThrow('changeSomething');
  });

  it('attack S10: a mutation that leaves another entry than it says, or none, fails', async () => {
    let record: () => Promise<unknown> = async () => undefined;
    @Resolver()
    class Declared {
      @Query(() => String)
      nothing(): string {
        return '';
      }

      @Mutation(() => String)
      @Leaves('GRANT_GIVEN')
      async change(): Promise<string> {
        await record();
        return 'done';
      }
    }
    const field = (buildApi([new Declared()]).getMutationType() as GraphQLObjectType).getFields().change;
    const run = async () => field?.resolve?.({}, {}, {}, { fieldName: 'change' } as never);
    await expect(run()).rejects.toThrow('change left no entry of GRANT_GIVEN in the ledger');
    record = () => unrecorded.record('GRANT_WITHDRAWN', { principal: 'test' });
    await expect(run()).rejects.toThrow('left no entry');
    record = () => unrecorded.record('GRANT_GIVEN', { principal: 'test' });
    expect(await run()).toBe('done');
  });
});
