// Package config reads the configuration: strict YAML in layers, with values from the environment and from secret
// files where the file asks for them. It reports every mistake in one run, each with its line and the fix.
package config
