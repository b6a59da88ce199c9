import { jobWorker } from '../../src/background';
import type { Asker, TestApp } from '../support/app';
import { plantPeople } from './people';

const admin: Asker = { role: 'CLIENT_ADMIN', client: 'acme' };
const officer: Asker = { role: 'CLIENT_PRIVACY_OFFICER', client: 'acme' };
const platform: Asker = { role: 'PLATFORM_PRIVACY_OFFICER', client: 'acme' };

/** A life of one person here: written, read, restricted, decided about, held, exported, disclosed, transferred. */
export async function live(app: TestApp, client: string, number: number): Promise<string> {
  const done = async (by: Asker, mutation: string, input: object, select = '__typename') => {
    const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
    const document = `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${select} } }`;
    const { data, errors } = await app.ask(by, 'LEGAL', document, { input });
    if (errors) throw new Error(`${mutation}: ${JSON.stringify(errors)}`);
    return data?.[mutation] as Record<string, { readonly id: string }>;
  };
  const [planted] = await plantPeople(app.stores, client, [number]);
  const customerId = planted?.id ?? '';
  const update = (fields: object) =>
    app.ask(
      admin,
      'SUPPORT',
      'mutation ($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }',
      { input: { customerId, ...fields } },
    );
  await update({ email: `moved-${number}@example.org` });
  await update({ phone: `+49 40 ${7_000_000 + number}`, attributes: [{ key: `pet-${number}`, value: `v-${number}` }] });
  await done(admin, 'recordAutomatedDecision', { customerId, subject: `score ${number}`, logic: `logic ${number}` });
  await done(officer, 'restrictProcessing', { customerId, ground: 'LEGAL_CLAIM' });
  await done(officer, 'liftRestriction', { customerId });
  await done(officer, 'objectToProcessing', { customerId, purposes: ['IMPROVEMENT'] });
  const held = { customerId, categories: ['HEALTH'], matter: `m ${number}`, reason: `r ${number}` };
  const { hold } = await done(officer, 'placeLegalHold', held, 'hold { id }');
  await done(officer, 'releaseLegalHold', { id: hold?.id });
  await done(platform, 'recordDisclosure', {
    ...{ recipient: 'Police of Hesse', authority: 'Amtsgericht Frankfurt', authorityCountry: 'DE' },
    ...{ legalBasis: '§ 95 StPO', reference: `Gs ${number}`, scope: 'name and address' },
    ...{ categories: ['NAME', 'CONTACT'], customerIds: [customerId] },
  });
  const transfer = {
    ...{ recipient: { kind: 'CLIENT' }, destinationCountry: 'US', categories: ['NAME'], purposes: ['SUPPORT'] },
    ...{ mechanism: 'SCC', sccModule: 4, assessment: `TIA-${number}`, dataSubjects: [customerId] },
  };
  await done(admin, 'requestTransferApproval', transfer, 'approval { id }');
  const read = 'query ($id: ID!) { customer(id: $id) { id email firstName } }';
  await app.ask(admin, 'SUPPORT', read, { id: customerId });
  const lookUp = 'query ($by: CustomerLookup!) { customerLookup(by: $by) { id } }';
  await app.ask(admin, 'SUPPORT', lookUp, { by: { email: `moved-${number}@example.org` } });
  const by = { principal: 'admin', role: 'CLIENT_ADMIN' } as const;
  await app.services.exports.request(client, by);
  await jobWorker(app.stores, app.services).drain();
  const partly = { ...by, grounds: 'OBJECTION', categories: ['BEHAVIOUR' as const] } as const;
  await app.services.erasure.erasures.request(client, customerId, partly);
  await jobWorker(app.stores, app.services).drain();
  return customerId;
}
