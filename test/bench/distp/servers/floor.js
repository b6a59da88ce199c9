"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.floor = floor;
const short = ['id', 'firstName', 'lastName', 'email', 'residency'];
const withTime = [...short, 'createdAt'];
/** The floor: a hand-written handler over node:http and mysql2, that knows what each path wants and nothing else. */
function floor(data) {
    const answer = async (path, query) => {
        if (path === '/one')
            return { customer: await data.one(query.get('id') ?? '', withTime) };
        if (path === '/lookup')
            return { customerLookup: await data.byEmail(query.get('email') ?? '', withTime) };
        if (path === '/wide')
            return { customers: { nodes: await data.page(200) } };
        const customers = await data.page(50, short);
        const byCustomer = new Map(customers.map((customer) => [customer.id, []]));
        for (const { customerId, ...order } of await data.orders([...byCustomer.keys()], 5))
            byCustomer.get(customerId)?.push(order);
        return {
            customers: {
                nodes: customers.map((customer) => ({ ...customer, orders: { nodes: byCustomer.get(customer.id) } })),
            },
        };
    };
    return (request, response) => {
        const url = new URL(request.url ?? '/', 'http://floor');
        answer(url.pathname, url.searchParams).then((result) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: result })), () => response.writeHead(500).end());
    };
}
