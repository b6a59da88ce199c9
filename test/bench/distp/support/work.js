"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.variants = exports.PAGE_NAME = void 0;
exports.worksFor = worksFor;
/** The page that ratios are stated for. */
exports.PAGE_NAME = '50 customers x 5 orders';
const page = `query Page { customers(first: 50) { nodes { id firstName lastName email residency orders(first: 5) { nodes { id placedAt total currency status } } } } }`;
const wide = `query Wide { customers(first: 200) { nodes { id firstName lastName email phone socialHandle ipAddress gender residency source externalId createdAt } } }`;
const byId = `query One($id: ID!) { customer(id: $id) { id firstName lastName email residency createdAt } }`;
const byEmail = `query Lookup($by: CustomerLookup!) { customerLookup(by: $by) { id firstName lastName email residency createdAt } }`;
/** The standard works, about one customer of the data set. */
function worksFor(sample) {
    return [
        { name: 'one customer by id', document: byId, floorPath: `/one?id=${sample.id}`, variables: { id: sample.id } },
        { name: exports.PAGE_NAME, document: page, floorPath: '/page' },
        { name: '200 customers x 12 fields', document: wide, floorPath: '/wide' },
        {
            name: 'look-up by e-mail',
            document: byEmail,
            floorPath: `/lookup?email=${encodeURIComponent(sample.email)}`,
            variables: { by: { email: sample.email } },
        },
    ];
}
exports.variants = [
    {
        name: 'half withheld',
        document: 'query Half { customers(first: 50) { nodes { id externalId ipAddress residency createdAt gender orders(first: 5) { nodes { placedAt total currency status } } } } }',
        purpose: 'SECURITY',
        fields: 10,
        withheld: 5,
        deidentified: 0,
    },
    {
        name: 'half de-identified',
        document: 'query Disguised { customers(first: 50) { nodes { id externalId ipAddress residency createdAt firstName lastName email phone orders(first: 5) { nodes { id } } } } }',
        purpose: 'SECURITY',
        fields: 10,
        withheld: 0,
        deidentified: 5,
    },
];
