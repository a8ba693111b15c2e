// Package outbound says what the store's own systems are told: which events a change of a cart or a shop makes, and the
// body in which each is sent. It does no I/O and reads no clock.
//
// An event is made in the transaction of its change, with the facts that later changes must not alter. They hold no
// personal data. Whatever is personal, such as the phone and the recovery link, is looked up when the event is sent. So
// nothing personal leaves after an erasure, whenever the event was made.
package outbound
