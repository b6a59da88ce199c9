// No server at all: one operation for each of three purposes.
import { accessOf, governed } from './patients.js';

for (const purpose of ['SUPPORT', 'IMPROVEMENT', 'LEGAL']) {
  const access = accessOf(new Headers({ authorization: 'Bearer an.agent', 'processing-purpose': purpose }));
  const { data, errors = [] } = await governed.execute({ document: '{ patients { name born } }', access });
  console.log(purpose, JSON.stringify(data?.patients ?? null), errors.map(({ extensions }) => extensions.code).join());
}
