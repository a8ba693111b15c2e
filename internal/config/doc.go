// Package config reads the configuration: strict YAML in layers, with the environment and secret files let in where
// they are asked for. It finds every mistake in one run and says where each stands and what would be right.
package config
