// Package tolerant reads what the voice providers send. Their documents disagree with each other and with what
// arrives: ids come as numbers, numbers as text, parts are missing, null or nested one level deeper. Nothing here
// fails: what cannot be read is absent. What is read is bounded, and fit to be stored in a Postgres text or jsonb
// value.
package tolerant
