/** Imported before graphql, this lets it check types as in production, which a test of thousands of schemas needs. */
process.env.NODE_ENV = 'production';

export {};
