package shopify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Subscription is one of the shop's webhook subscriptions of this app.
type Subscription struct {
	GID string
	// Topic is such as "checkouts/update"; for a topic we do not know, its GraphQL name.
	Topic string
	// URI is where its webhooks go.
	URI string
	// Format is JSON or XML.
	Format string
}

type gqlSubscription struct {
	ID     text `json:"id"`
	Topic  text `json:"topic"`
	URI    text `json:"uri"`
	Format text `json:"format"`
}

func (g gqlSubscription) subscription() (Subscription, bool) {
	return Subscription{GID: string(g.ID), Topic: topicOfEnum(string(g.Topic)), URI: string(g.URI), Format: string(g.Format)}, g.ID != ""
}

// topicEnum is a topic's name in GraphQL: CHECKOUTS_UPDATE for checkouts/update.
func topicEnum(topic string) string { return strings.ToUpper(strings.ReplaceAll(topic, "/", "_")) }

func topicOfEnum(enum string) string {
	for _, t := range knownTopics() {
		if topicEnum(t) == enum {
			return t
		}
	}
	return enum
}

// UserError is what a mutation says of its input.
type UserError struct {
	// Operation is the name of the mutation.
	Operation string
	// Field is the path of the input field, such as webhookSubscription.uri.
	Field string
	// Code is such as TAKEN; may be empty.
	Code    string
	Message string
}

// Error implements error.
func (e *UserError) Error() string {
	return fmt.Sprintf("shopify %s: %s: %s", e.Operation, e.Field, e.Message)
}

type gqlUserErrors list[struct {
	Field   words `json:"field"`
	Code    text  `json:"code"`
	Message text  `json:"message"`
}]

// UnmarshalJSON implements json.Unmarshaler.
func (l *gqlUserErrors) UnmarshalJSON(b []byte) error {
	return (*list[struct {
		Field   words `json:"field"`
		Code    text  `json:"code"`
		Message text  `json:"message"`
	}])(l).UnmarshalJSON(b)
}

// first returns the first one as an error, or nil.
func (l gqlUserErrors) first(op operation) error {
	if len(l) == 0 {
		return nil
	}
	return &UserError{
		Operation: op.name, Field: strings.Join(l[0].Field, "."), Code: string(l[0].Code), Message: shorten(string(l[0].Message)),
	}
}

// change makes a mutation. Errors beside the data are errors: nobody should take a change for made that was not.
func (c *Client) change(ctx context.Context, op operation, variables map[string]any, into any) error {
	problems, err := c.run(ctx, op, variables, into)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		kind := ErrRefused
		if problems[0].Code == codeDenied {
			kind = ErrDenied
		}
		return &APIError{Operation: op.name, Codes: []string{problems[0].Code}, Message: problems[0].Message, Kind: kind}
	}
	return nil
}

// Subscriptions returns all webhook subscriptions that this app made over the API in this shop. Those of the app's
// configuration file are not among them.
func (c *Client) Subscriptions(ctx context.Context) ([]Subscription, error) {
	op := operation{name: "Subscriptions", text: querySubscriptions}
	var all []Subscription
	for cursor := ""; ; {
		var data struct {
			Subscriptions object[connection[gqlSubscription]] `json:"webhookSubscriptions"`
		}
		variables := map[string]any{}
		if cursor != "" {
			variables["after"] = cursor
		}
		if err := c.change(ctx, op, variables, &data); err != nil {
			return nil, err
		}
		page := pageOf(data.Subscriptions.value, nil, gqlSubscription.subscription)
		all = append(all, page.Items...)
		if page.Next == "" || page.Next == cursor {
			return all, nil
		}
		cursor = page.Next
	}
}

// Subscribe makes a subscription of the topic for the address, which must be https.
func (c *Client) Subscribe(ctx context.Context, topic, uri string) (Subscription, error) {
	var data struct {
		Result object[struct {
			Subscription object[gqlSubscription] `json:"webhookSubscription"`
			Errors       gqlUserErrors           `json:"userErrors"`
		}] `json:"webhookSubscriptionCreate"`
	}
	op := operation{name: "Subscribe", text: mutationSubscribe}
	err := c.change(ctx, op, map[string]any{
		"topic":        topicEnum(topic),
		"subscription": map[string]any{"uri": uri, "format": "JSON"},
	}, &data)
	if err == nil {
		err = data.Result.value.Errors.first(op)
	}
	if err != nil {
		return Subscription{}, fmt.Errorf("topic %s: %w", topic, err)
	}
	s, _ := data.Result.value.Subscription.value.subscription()
	return s, nil
}

// Unsubscribe removes a subscription. One that is already gone is no error.
func (c *Client) Unsubscribe(ctx context.Context, gid string) error {
	var data struct {
		Result object[struct {
			Errors gqlUserErrors `json:"userErrors"`
		}] `json:"webhookSubscriptionDelete"`
	}
	op := operation{name: "Unsubscribe", text: mutationUnsubscribe}
	if err := c.change(ctx, op, map[string]any{"id": gid}, &data); err != nil {
		return err
	}
	err := data.Result.value.Errors.first(op)
	var u *UserError
	if errors.As(err, &u) && missing(u) {
		return nil
	}
	return err
}

// missing reports whether the object that a mutation names is not there.
func missing(u *UserError) bool {
	message := strings.ToLower(u.Message)
	return strings.Contains(message, "not exist") || strings.Contains(message, "not found")
}

// Repair is what Ensure found wrong and put right. At the first time everything is created; later anything in it is
// drift.
type Repair struct {
	// Created are the topics that were not subscribed, or to another address.
	Created []string
	// Removed are the topics whose subscriptions went to another address, were there twice, or are not wanted any more.
	Removed []string
}

// Any reports whether something had to be put right.
func (r Repair) Any() bool { return len(r.Created)+len(r.Removed) > 0 }

// Ensure makes the shop's subscriptions exactly one per topic to the address. New ones are made before old ones go, so
// that nothing is missed in between. One topic that fails does not stop the others: the errors come joined, beside what
// was done.
func (c *Client) Ensure(ctx context.Context, uri string, topics []string) (Repair, error) {
	have, err := c.Subscriptions(ctx)
	if err != nil {
		return Repair{}, err
	}
	var repair Repair
	var failed []error
	kept := map[string]bool{}
	var surplus []Subscription
	for _, s := range have {
		if slices.Contains(topics, s.Topic) && s.URI == uri && s.Format == "JSON" && !kept[s.Topic] {
			kept[s.Topic] = true
			continue
		}
		surplus = append(surplus, s)
	}
	for _, topic := range topics {
		if kept[topic] {
			continue
		}
		if _, err := c.Subscribe(ctx, topic, uri); err != nil {
			failed = append(failed, err)
			continue
		}
		kept[topic] = true
		repair.Created = append(repair.Created, topic)
	}
	for _, s := range surplus {
		if slices.Contains(topics, s.Topic) && !kept[s.Topic] {
			// Its successor could not be made; the old one is better than none.
			continue
		}
		if err := c.Unsubscribe(ctx, s.GID); err != nil {
			failed = append(failed, fmt.Errorf("topic %s: %w", s.Topic, err))
			continue
		}
		repair.Removed = append(repair.Removed, s.Topic)
	}
	return repair, errors.Join(failed...)
}
