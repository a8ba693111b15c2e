// Server answers webhooks, callbacks, the API and the pages, and works jobs unless worker.enabled is false.
package main

import (
	"os"

	"ringback/internal/app"
)

func main() {
	os.Exit(app.Main("server", app.Serve, os.Args[1:], os.Stderr))
}
