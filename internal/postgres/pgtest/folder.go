package pgtest

import (
	"errors"
	"os"
	"syscall"
)

const (
	// memoryFolder keeps files in memory on Linux. Creating and dropping databases there is thirty times faster than on a
	// disk.
	memoryFolder = "/dev/shm"
	// memoryNeeded is how many bytes must be free in it.
	memoryNeeded = 2 << 30
)

// newFolder makes the folder that the server lives in.
func newFolder() (string, error) {
	folder, err := os.MkdirTemp(parentFolder(), "ringback-pgtest-")
	if err != nil {
		return "", err
	}
	// Started by root the server runs as another user, who must be able to pass through.
	if err := os.Chmod(folder, 0o711); err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	return folder, nil
}

// parentFolder is the memory folder where it exists and is large enough, else the system's folder for temporary files.
func parentFolder() string {
	var space syscall.Statfs_t
	if syscall.Statfs(memoryFolder, &space) == nil && space.Bavail >= memoryNeeded/uint64(space.Bsize) {
		return memoryFolder
	}
	return os.TempDir()
}
