"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.packageOfProduct = exports.product = void 0;
const node_path_1 = require("node:path");
const installation_1 = require("./installation");
/** Requires a module of the product's build, of which the benchmark's own build knows nothing: by its path in `src`. */
const product = (path) => require((0, node_path_1.join)(installation_1.root, 'dist', 'src', path));
exports.product = product;
/** Requires a package as the product has it: a second copy of `graphql` would be another realm. */
const packageOfProduct = (name) => require((0, node_path_1.join)(installation_1.root, 'node_modules', name));
exports.packageOfProduct = packageOfProduct;
