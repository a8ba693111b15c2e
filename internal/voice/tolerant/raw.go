package tolerant

import (
	"encoding/json"
	"strings"
)

// The bounds of a value that is passed on as it is.
const (
	maxDepth  = 16
	maxRaw    = 32 << 10
	maxDigits = 40
)

// Raw writes a value as JSON that Postgres takes as jsonb: without NUL characters, excessive numbers and deep
// nesting. It is nil for no value and for one that is too large to keep.
func Raw(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	raw, err := json.Marshal(bounded(v, maxDepth))
	if err != nil || len(raw) > maxRaw {
		return nil
	}
	return raw
}

// bounded copies a decoded value, leaving out what is nested deeper than depth.
func bounded(v any, depth int) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "\x00", "")
	case json.Number:
		if len(v) > maxDigits || strings.ContainsAny(string(v), "eE") {
			// As text it does no harm and is not lost.
			return string(v[:min(len(v), MaxWord)])
		}
		return v
	case map[string]any:
		if depth == 0 {
			return nil
		}
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[strings.ReplaceAll(key, "\x00", "")] = bounded(item, depth-1)
		}
		return out
	case []any:
		if depth == 0 {
			return nil
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = bounded(item, depth-1)
		}
		return out
	}
	return v
}
