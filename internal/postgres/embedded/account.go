//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// unprivileged are the users, best first, that the server runs as when root starts it.
var unprivileged = []string{"postgres", "nobody"}

// account is the user that the server runs as.
type account struct {
	name     string
	uid, gid int
	// switched is true when this is not the user who runs the program.
	switched bool
}

// serverAccount picks the user: ourselves, unless we are root; then whoever owns the cluster, else an unprivileged
// user.
func serverAccount(cluster string) (account, error) {
	if os.Geteuid() != 0 {
		return account{name: userName(os.Geteuid()), uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	uid, gid, err := ownerOf(cluster)
	switch {
	case err == nil && uid == 0:
		return account{}, fmt.Errorf("%s belongs to root, as whom PostgreSQL refuses to run: give it away with `chown -R %s %s`",
			cluster, unprivileged[0], cluster)
	case err == nil:
		return account{name: userName(uid), uid: uid, gid: gid, switched: true}, nil
	case !errors.Is(err, os.ErrNotExist):
		return account{}, err
	}
	for _, name := range unprivileged {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.Atoi(found.Uid)
		gid, errGID := strconv.Atoi(found.Gid)
		if errUID != nil || errGID != nil {
			continue
		}
		return account{name: name, uid: uid, gid: gid, switched: true}, nil
	}
	return account{}, fmt.Errorf("PostgreSQL refuses to run as root, and there is no user %s or %s to run it as: create one, or start this program as another user",
		unprivileged[0], unprivileged[1])
}

func userName(uid int) string {
	if found, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return found.Username
	}
	return "user " + strconv.Itoa(uid)
}

// attributes make a child run as the account, in a session of its own: an interrupt typed at the terminal is for the
// program, which then ends its children in their turn.
func (a account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setsid: true}
	if a.switched {
		attributes.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attributes
}

// entrance is how the account reaches the folders below path. Root's own folders, such as /root or one made by mktemp
// -d, are closed to it; Linux lets it in all the same, by folders that we open and hand over.
func (a account) entrance(ctx context.Context, path string) (entrance, error) {
	if !a.switched {
		return byPath, nil
	}
	probe := exec.CommandContext(ctx, "/bin/sh", "-c", ":")
	probe.Dir = path
	probe.SysProcAttr = a.attributes()
	err := probe.Run()
	switch {
	case err == nil:
		return byPath, nil
	case !errors.Is(err, os.ErrPermission):
		return byPath, fmt.Errorf("enter %s as %s: %w", path, a.name, err)
	case runtime.GOOS == "linux":
		return byHandle, nil
	}
	return byPath, fmt.Errorf("started by root, Postgres runs as user %s, who may not enter %s: choose another data_dir (such as /var/lib/ringback), or run `chmod o+x %[2]s`",
		a.name, a.barrier(path))
}

// barrier is the topmost folder on the way to path whose mode keeps the account out, or path if no mode tells.
func (a account) barrier(path string) string {
	barrier := path
	for folder := path; ; folder = filepath.Dir(folder) {
		if !a.passes(folder) {
			barrier = folder
		}
		if folder == filepath.Dir(folder) {
			return barrier
		}
	}
}

func (a account) passes(folder string) bool {
	info, err := os.Stat(folder)
	if err != nil {
		return false
	}
	uid, gid, err := ownerOf(folder)
	if err != nil {
		return false
	}
	mode := info.Mode().Perm()
	switch {
	case uid == a.uid:
		return mode&0o100 != 0
	case gid == a.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}
