import { join } from 'node:path';
import { classesIn } from '../storage/classes-in';
import { relatedRows } from './related-rows';

// A file in the folder is all that a new kind of rows about customers takes, beside its migration.
classesIn(join(__dirname, 'related'));

/** Every kind of rows about customers. */
export const related = relatedRows();

/** Their tables. */
export const relatedEntities = related.map(({ relation }) => relation.entity as new () => object);
