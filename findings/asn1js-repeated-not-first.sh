#!/usr/bin/env bash
# asn1js matches DER against a schema. `Repeated` (SEQUENCE OF) works alone in a sequence. After another item the schema
# is accepted as well, but the repeated items are not in the result: `verified` is true and the name is missing. Before
# another item a sound value is refused. CMS and RFC 3161 structures must be written so that `Repeated` stands alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund asn1js@3.1.0
cat >look.cjs <<'JS'
const { Boolean: Bool, Integer, Repeated, Sequence, verifySchema } = require('asn1js');
const integers = () => [new Integer({ value: 1 }), new Integer({ value: 2 })];
const flag = () => new Bool({ value: true });
const named = () => new Repeated({ name: 'numbers', value: new Integer() });
const look = (value, schema) => {
  const { verified, result } = verifySchema(new Sequence({ value }).toBER(), new Sequence({ value: schema }));
  return `verified ${verified}, numbers ${(verified && result.numbers?.length) || 'missing'}`;
};
const seen = {
  alone: look(integers(), [named()]),
  'after a boolean': look([flag(), ...integers()], [new Bool(), named()]),
  'before a boolean': look([...integers(), flag()], [named(), new Bool()]),
};
console.log(`asn1js ${require('asn1js/package.json').version}`);
for (const [place, what] of Object.entries(seen)) console.log(`Repeated ${place}: ${what}`);
const expected = ['verified true, numbers 2', 'verified true, numbers missing', 'verified false, numbers missing'];
if (Object.values(seen).join() !== expected.join()) { console.error('changed'); process.exit(1); }
JS
node look.cjs
