// Outside production, graphql-js looks at every object it meets for one of another copy of itself: a third of what
// building a schema takes. It asks once, when it is loaded.
const { NODE_ENV } = process.env;
process.env.NODE_ENV = 'production';
require('graphql/jsutils/instanceOf');
if (NODE_ENV === undefined) delete process.env.NODE_ENV;
else process.env.NODE_ENV = NODE_ENV;
