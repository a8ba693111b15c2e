package outbound

import _ "embed"

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema of what is sent.
func Schema() []byte { return schema }
