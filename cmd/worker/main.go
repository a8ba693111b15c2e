// Worker works jobs, beside a server on the same database.
package main

import (
	"os"

	"ringback/internal/app"
)

func main() {
	os.Exit(app.Main("worker", app.Work, os.Args[1:], os.Stderr))
}
