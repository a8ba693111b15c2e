// Package pgtest gives every test a PostgreSQL database of its own, with the schema in place:
//
//	pool := pgtest.New(t)
//
// The first call in a test binary starts a server on a folder of its own and migrates one template database; every test then gets
// a copy of that, which takes some milliseconds, and which is dropped when the test ends. Nothing has to be set up or stopped: the
// server ends with the test binary, however that ends, and its folder is removed.
//
// With RINGBACK_TEST_DATABASE_URL set, the databases are made on that server instead; its user must be allowed to create them.
//
// The package imports postgres, so tests of package postgres itself must be in package postgres_test.
package pgtest
