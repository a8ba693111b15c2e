// Worker works jobs, beside a server on the same database.
package main

import (
	"os"
	_ "time/tzdata"

	"ringback/internal/app"
)

func main() {
	os.Exit(app.Main("worker", app.Work, os.Args[1:], os.Stderr))
}
