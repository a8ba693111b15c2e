package cached_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"ringback/internal/web/cached"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValue_IsKeptLongerTheLongerItsReadingTook(t *testing.T) {
	t.Parallel()
	asked, failing := 0, true
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	v := cached.New(func(ctx context.Context) (int, error) {
		asked++
		require.NoError(t, ctx.Err(), "a client that hangs up spoils nothing for the others")
		if failing {
			return 0, errors.New("away")
		}
		<-time.After(10 * time.Millisecond)
		return asked, nil
	})
	_, err := v.Get(ctx)
	require.Error(t, err)
	failing = false
	for range 3 {
		n, err := v.Get(ctx)
		require.NoError(t, err, "a failure is not kept")
		assert.Equal(t, 2, n)
	}
	require.Eventually(t, func() bool { n, _ := v.Get(ctx); return n == 3 }, 5*time.Second, 5*time.Millisecond, "in time it is read anew")
}
