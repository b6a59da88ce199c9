"use strict";
var __decorate = (this && this.__decorate) || function (decorators, target, key, desc) {
    var c = arguments.length, r = c < 3 ? target : desc === null ? desc = Object.getOwnPropertyDescriptor(target, key) : desc, d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function") r = Reflect.decorate(decorators, target, key, desc);
    else for (var i = decorators.length - 1; i >= 0; i--) if (d = decorators[i]) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return c > 3 && r && Object.defineProperty(target, key, r), r;
};
var __metadata = (this && this.__metadata) || function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
};
var __param = (this && this.__param) || function (paramIndex, decorator) {
    return function (target, key) { decorator(target, key, paramIndex); }
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.typeGraphqlSchema = void 0;
require("reflect-metadata");
const type_graphql_1 = require("type-graphql");
const peer_schema_1 = require("../support/peer-schema");
let Order = class Order {
    id;
    placedAt;
    total;
    currency;
    status;
};
__decorate([
    (0, type_graphql_1.Field)(() => type_graphql_1.ID),
    __metadata("design:type", String)
], Order.prototype, "id", void 0);
__decorate([
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Order.prototype, "placedAt", void 0);
__decorate([
    (0, type_graphql_1.Field)(() => type_graphql_1.Float, { nullable: true }),
    __metadata("design:type", Number)
], Order.prototype, "total", void 0);
__decorate([
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Order.prototype, "currency", void 0);
__decorate([
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Order.prototype, "status", void 0);
Order = __decorate([
    (0, type_graphql_1.ObjectType)()
], Order);
let OrderConnection = class OrderConnection {
    nodes;
};
__decorate([
    (0, type_graphql_1.Field)(() => [Order]),
    __metadata("design:type", Array)
], OrderConnection.prototype, "nodes", void 0);
OrderConnection = __decorate([
    (0, type_graphql_1.ObjectType)()
], OrderConnection);
let Customer = class Customer {
    id;
    firstName;
    lastName;
    email;
    phone;
    socialHandle;
    ipAddress;
    gender;
    residency;
    source;
    externalId;
    createdAt;
};
__decorate([
    (0, type_graphql_1.Field)(() => type_graphql_1.ID),
    __metadata("design:type", String)
], Customer.prototype, "id", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "firstName", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "lastName", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "email", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "phone", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "socialHandle", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "ipAddress", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "gender", void 0);
__decorate([
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "residency", void 0);
__decorate([
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "source", void 0);
__decorate([
    (0, type_graphql_1.Authorized)(),
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "externalId", void 0);
__decorate([
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], Customer.prototype, "createdAt", void 0);
Customer = __decorate([
    (0, type_graphql_1.ObjectType)()
], Customer);
let CustomerConnection = class CustomerConnection {
    nodes;
};
__decorate([
    (0, type_graphql_1.Field)(() => [Customer]),
    __metadata("design:type", Array)
], CustomerConnection.prototype, "nodes", void 0);
CustomerConnection = __decorate([
    (0, type_graphql_1.ObjectType)()
], CustomerConnection);
let CustomerLookup = class CustomerLookup {
    email;
};
__decorate([
    (0, type_graphql_1.Field)(() => String, { nullable: true }),
    __metadata("design:type", String)
], CustomerLookup.prototype, "email", void 0);
CustomerLookup = __decorate([
    (0, type_graphql_1.InputType)()
], CustomerLookup);
let CustomerResolver = class CustomerResolver {
    customer(id, context) {
        return peer_schema_1.resolvers.Query.customer(undefined, { id }, context);
    }
    customerLookup(by, context) {
        return peer_schema_1.resolvers.Query.customerLookup(undefined, { by }, context);
    }
    customers(first, context) {
        return peer_schema_1.resolvers.Query.customers(undefined, { first }, context);
    }
    orders(customer, first, context) {
        return peer_schema_1.resolvers.Customer.orders(customer, { first }, context);
    }
};
__decorate([
    (0, type_graphql_1.Query)(() => Customer, { nullable: true }),
    __param(0, (0, type_graphql_1.Arg)('id', () => type_graphql_1.ID)),
    __param(1, (0, type_graphql_1.Ctx)()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [String, Object]),
    __metadata("design:returntype", Promise)
], CustomerResolver.prototype, "customer", null);
__decorate([
    (0, type_graphql_1.Query)(() => Customer, { nullable: true }),
    __param(0, (0, type_graphql_1.Arg)('by', () => CustomerLookup)),
    __param(1, (0, type_graphql_1.Ctx)()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [CustomerLookup, Object]),
    __metadata("design:returntype", Promise)
], CustomerResolver.prototype, "customerLookup", null);
__decorate([
    (0, type_graphql_1.Query)(() => CustomerConnection),
    __param(0, (0, type_graphql_1.Arg)('first', () => type_graphql_1.Int)),
    __param(1, (0, type_graphql_1.Ctx)()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [Number, Object]),
    __metadata("design:returntype", Promise)
], CustomerResolver.prototype, "customers", null);
__decorate([
    (0, type_graphql_1.FieldResolver)(() => OrderConnection),
    __param(0, (0, type_graphql_1.Root)()),
    __param(1, (0, type_graphql_1.Arg)('first', () => type_graphql_1.Int)),
    __param(2, (0, type_graphql_1.Ctx)()),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [Customer, Number, Object]),
    __metadata("design:returntype", Promise)
], CustomerResolver.prototype, "orders", null);
CustomerResolver = __decorate([
    (0, type_graphql_1.Resolver)(() => Customer)
], CustomerResolver);
/** Its own authorisation, on the same fields that Remit governs. */
const typeGraphqlSchema = () => (0, type_graphql_1.buildSchema)({ resolvers: [CustomerResolver], authChecker: () => true, validate: false });
exports.typeGraphqlSchema = typeGraphqlSchema;
