//go:build unix

package embedded

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string) string
		want    []string
	}{
		"no directory": {
			prepare: func(*testing.T, string) string { return "" },
			want:    []string{"data_dir is empty", "./data"},
		},
		"a file in its place": {
			prepare: func(t *testing.T, dir string) string {
				path := filepath.Join(dir, "file")
				require.NoError(t, os.WriteFile(path, nil, 0o600))
				return path
			},
			want: []string{"create data_dir", "file"},
		},
		"somebody else's folder named postgres": {
			prepare: func(t *testing.T, dir string) string {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, "postgres", "photos"), 0o755))
				return dir
			},
			want: []string{"postgres holds no PostgreSQL data", "choose another data_dir"},
		},
		"data of a version that is not installed": {
			prepare: func(t *testing.T, dir string) string {
				cluster := filepath.Join(dir, "postgres")
				require.NoError(t, os.Mkdir(cluster, 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(cluster, "PG_VERSION"), []byte("11\n"), 0o600))
				giveToServer(t, cluster)
				return dir
			},
			want: []string{"PostgreSQL 11, which made the data", "install postgresql", "database.url", "looked at: "},
		},
		"an unreadable connection": {
			prepare: func(t *testing.T, dir string) string {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres.url"), []byte("postgres://ringback:hunter2@"), 0o600))
				return dir
			},
			want: []string{"postgres.url", "delete the file"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Start(t.Context(), Options{DataDir: c.prepare(t, sharedFolder(t))})
			require.Error(t, err)
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestNotInstalledNamesThePackage(t *testing.T) {
	t.Parallel()
	assert.EqualError(t, notInstalled("linux", 0, nil),
		"PostgreSQL 14 or newer is not installed: run `apt-get install postgresql`, or set database.url to a server that runs elsewhere")
	assert.EqualError(t, notInstalled("darwin", 16, []string{"/opt/bin has version 17"}),
		"PostgreSQL 16, which made the data in data_dir, is not installed: run `brew install postgresql@16`, "+
			"or set database.url to a server that runs elsewhere (looked at: /opt/bin has version 17)")
}

func TestABarrierIsTheTopmostClosedFolder(t *testing.T) {
	t.Parallel()
	top := sharedFolder(t)
	deep := filepath.Join(top, "closed", "open", "closed too")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	require.NoError(t, os.Chmod(filepath.Join(top, "closed"), 0o700))
	require.NoError(t, os.Chmod(deep, 0o700))
	stranger := account{name: "stranger", uid: 64999, gid: 64999, switched: true}
	assert.Equal(t, filepath.Join(top, "closed"), stranger.barrier(deep))
	self := account{uid: os.Geteuid(), gid: os.Getegid()}
	assert.True(t, self.passes(deep))
}

func giveToServer(t *testing.T, path string) {
	t.Helper()
	account, err := serverAccount(filepath.Join(path, "none"))
	require.NoError(t, err)
	require.NoError(t, os.Chown(path, account.uid, account.gid))
}
