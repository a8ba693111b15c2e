// Package embedded runs a PostgreSQL server of the program's own, for a first try and for small installations: no database
// has to be set up, only PostgreSQL's programs must be installed.
//
// A data directory holds everything:
//
//	postgres/         the cluster
//	postgres.url      how to connect, with the password (readable by its owner alone)
//	postgres.log      what the server says; set aside as postgres.log.1 when it has grown
//	postgres.lock     held by the process that owns the server, with its process id
//
// The first process to lock the directory owns the server: it starts it, restarts it should it die or be told to stop, and stops
// it. Processes that come later join: they connect to the same server, and when the owner ends one of them takes the server over.
//
//	Start ── lock free ──► wait for a former server to end ──► create the cluster, if there is none ──► run it ──► own
//	  │                    ▲
//	  │                    └─────────────────────────── lock free ──────────────────────────────────────────────┐
//	  └───── lock held ──► wait until the owner's server answers ─────────────────────────────────────────────► join
//
// The server never outlives its owner, however that ends: on Linux the kernel interrupts it, elsewhere a small watcher
// does. It listens on 127.0.0.1 alone and asks for a generated password. Started by root it runs as an unprivileged user,
// because PostgreSQL refuses to run as root.
package embedded
