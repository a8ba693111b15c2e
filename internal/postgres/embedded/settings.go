//go:build unix

package embedded

import "strconv"

// nameSetting is a setting of our own by which a server tells whose data it keeps. Its data_directory may be a mere
// handle.
const nameSetting = "ringback.cluster"

// walCompression is the cheapest compression that a version of Postgres has.
func walCompression(major int) string {
	if major < 15 {
		return "on"
	}
	return "lz4"
}

// serverArguments are the arguments of a server that reaches its data by path and is known by name. They are given here
// and not in postgresql.conf, so that a newer program brings its settings to older data.
func serverArguments(path, name string, port, major int, throwaway bool) []string {
	settings := []string{
		nameSetting + "=" + name,
		"listen_addresses=" + host,
		"unix_socket_directories=",
		"password_encryption=scram-sha-256",
		"timezone=UTC",
		"log_timezone=UTC",
		"lc_messages=C",
		// Room for a server, some workers and a curious human.
		"max_connections=200",
		// Small enough for the smallest machine; what the system caches serves the rest.
		"shared_buffers=128MB",
		"wal_compression=" + walCompression(major),
		// After a checkpoint each page is written whole once more: with the defaults a busy server does little else.
		"wal_buffers=16MB",
		"max_wal_size=2GB",
		"checkpoint_timeout=15min",
		// Short statements on solid-state disks.
		"random_page_cost=1.1",
		"jit=off",
		// Messages of failed statements quote rows, and rows hold personal data: keep only what the server says of itself.
		"log_min_messages=log",
		"log_min_error_statement=panic",
		"log_checkpoints=off",
		"log_autovacuum_min_duration=-1",
	}
	if throwaway {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"autovacuum=off", "wal_level=minimal", "max_wal_senders=0", "min_wal_size=32MB", "max_wal_size=128MB")
	}
	args := []string{"-D", path, "-p", strconv.Itoa(port)}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}
