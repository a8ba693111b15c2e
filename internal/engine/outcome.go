package engine

import (
	"errors"
	"time"
)

// What one process may not know while another one, with a newer configuration, does. A job that returns such an error
// is left to the process that knows it.
var (
	// errUnknownShop: the shop is not in the configuration.
	errUnknownShop = errors.New("the shop is not in the configuration: add it under stores")
	// errUnknownAccount: the call was placed with a provider or account that the shop's configuration no longer names.
	errUnknownAccount = errors.New("the call was placed with a voice account that is not in the shop's configuration")
	// errUnknownReceiver: nothing says where actions are forwarded to.
	errUnknownReceiver = errors.New("integrations.webhook_url is not in the configuration")
)

// unknownError says of which shop something is not known.
type unknownError struct {
	shop string
	err  error
}

// Error implements error.
func (e *unknownError) Error() string { return e.err.Error() }

// Unwrap gives what is not known.
func (e *unknownError) Unwrap() error { return e.err }

// UnknownHere reports whether an error comes from this process's configuration alone: another process may be able to do
// the job, one that knows the shop. shop is empty when that makes no difference.
func UnknownHere(err error) (shop string, yes bool) {
	var unknown *unknownError
	if errors.As(err, &unknown) {
		shop = unknown.shop
	}
	return shop, errors.Is(err, errUnknownShop) || errors.Is(err, errUnknownAccount) || errors.Is(err, errUnknownReceiver)
}

// UnknownFor is how long most jobs wait for a process that knows their shop.
const UnknownFor = 24 * time.Hour

// soonestCheck is how soon, at first, a job is tried again that another process probably can do.
const soonestCheck = time.Second

// CheckAgain is in how long to try again what has waited for so long for a process that knows its shop.
func CheckAgain(waited, slowest time.Duration) time.Duration {
	return min(max(waited/4, soonestCheck), slowest)
}

// LaterError says that a job did what it could for now and must run again.
type LaterError struct {
	In time.Duration
	// Why is empty when there is simply more to do.
	Why string
	// Shop is the one that this process does not know, when that is why. A process that knows it need not wait.
	Shop string
}

// Error implements error.
func (e *LaterError) Error() string {
	if e.Why != "" {
		return e.Why
	}
	return "there is more to do in " + e.In.String()
}

// FinalError says that trying a job again cannot help.
type FinalError struct{ Err error }

// Error implements error.
func (e *FinalError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *FinalError) Unwrap() error { return e.Err }

// later is a LaterError when there is something left to do; an error of its own comes first.
func later(in time.Duration, err error) error {
	if err == nil && in > 0 {
		return &LaterError{In: in}
	}
	return err
}
