// Package script turns the templates of a store's configuration into what an agent is told about a call.
//
// Templates are Go text/templates over Words:
//
//	Hello {{or .FirstName "there"}}, you left {{.ItemList}} in your cart at {{.Store}}.
//	{{with .Offer}}With the code {{.Code}} it is {{.Description}}.{{end}}
package script
