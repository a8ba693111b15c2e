package voice

import "encoding/json"

// Step is one request of an onboarding, as it is or would be sent. It holds no secrets: they travel in headers.
type Step struct {
	// What says what the request is for, in a few words.
	What   string
	Method string
	// Path is relative to voice.base_url.
	Path string
	// Body is the JSON that is sent; nil for a request without one.
	Body json.RawMessage
}
