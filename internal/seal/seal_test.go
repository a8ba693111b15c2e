package seal_test

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"ringback/internal/seal"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBox_OpensWithFormerKeysAndSealsWithTheFirst(t *testing.T) {
	t.Parallel()
	older := base64.StdEncoding.EncodeToString(seal.NewKey())
	newer := hex.EncodeToString(seal.NewKey())
	old, err := seal.NewBox(older)
	require.NoError(t, err)
	sealed := old.Seal([]byte("token"), "shop a")

	both, err := seal.NewBox(newer, older)
	require.NoError(t, err)
	plain, current, err := both.Open(sealed, "shop a")
	require.NoError(t, err)
	assert.Equal(t, "token", string(plain))
	assert.False(t, current)

	again := both.Seal(plain, "shop a")
	assert.NotEqual(t, sealed, again)
	only, err := seal.NewBox(newer)
	require.NoError(t, err)
	plain, current, err = only.Open(again, "shop a")
	require.NoError(t, err)
	assert.Equal(t, "token", string(plain))
	assert.True(t, current)

	_, _, err = only.Open(sealed, "shop a")
	require.ErrorIs(t, err, seal.ErrOpen)
}

func TestBox_OpensOnlyInItsContext(t *testing.T) {
	t.Parallel()
	box, err := seal.NewBox(hex.EncodeToString(seal.NewKey()))
	require.NoError(t, err)
	sealed := box.Seal([]byte("token"), "shop a")
	_, _, err = box.Open(sealed, "shop b")
	require.ErrorIs(t, err, seal.ErrOpen)
	sealed[len(sealed)-1] ^= 1
	_, _, err = box.Open(sealed, "shop a")
	require.ErrorIs(t, err, seal.ErrOpen)
}

func TestNewBox_RefusesKeysOfAnotherLength(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "short", base64.StdEncoding.EncodeToString(make([]byte, 16)), hex.EncodeToString(make([]byte, 33))} {
		_, err := seal.NewBox(key)
		assert.ErrorContains(t, err, "32 bytes", "key %q", key)
	}
}

func TestHasher_TellsPersonsApart(t *testing.T) {
	t.Parallel()
	h := seal.NewHasher([]byte("one key"))
	assert.Equal(t, h.Email("A@Example.com "), h.Email("a@example.com"))
	assert.NotEqual(t, h.Email("a@example.com"), h.Email("b@example.com"))
	assert.NotEqual(t, h.Phone("+1"), h.Email("+1"))
	assert.NotEqual(t, h.Phone("+1"), seal.NewHasher([]byte("another")).Phone("+1"))
	assert.Nil(t, h.Phone(""))
}
