package page

// Note is one line about what was just done.
type Note struct {
	Text string
	Bad  bool
}

// notes are all notes, by the word that stands for them in an address. An address never supplies the text itself.
var notes = map[string]Note{
	"called":      {Text: "Call requested. It starts as soon as the rules allow."},
	"stopped":     {Text: "The cart is stopped. A call under way is being cancelled."},
	"suppressed":  {Text: "Added to the do-not-call list."},
	"lifted":      {Text: "The suppression is lifted. Carts that it stopped stay stopped."},
	"gone":        {Text: "The suppression was lifted already.", Bad: true},
	"tested":      {Text: "The test event is being sent. What comes of it is shown below."},
	"endpoint-on": {Text: "The endpoint is on. What waited is being sent."},
	"test-call":   {Text: "The test call is on its way. Reload this page to see what became of it."},
	"paused":      {Text: "Calling is paused for this shop."},
	"resumed":     {Text: "Calling resumed for this shop."},
	"unchanged":   {Text: "No change needed."},
	"settled":     {Text: "This cart is closed; no further action is possible.", Bad: true},
	"calling":     {Text: "A call to this cart is already under way.", Bad: true},
	"no-person":   {Text: "The cart has neither a phone number nor an email to suppress.", Bad: true},
}

// NoteOf is the note that a word stands for; an empty one for an unknown word.
func NoteOf(word string) Note { return notes[word] }
