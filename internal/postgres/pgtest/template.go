package pgtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"

	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"ringback/migrations"
)

// templateName names the template after the migrations in it, so that a changed migration never meets an old template.
func templateName() (string, error) {
	sum := sha256.New()
	river := riverpgxv5.New(nil)
	for _, line := range river.GetMigrationLines() {
		if err := addFiles(sum, river.GetMigrationFS(line)); err != nil {
			return "", err
		}
	}
	if err := addFiles(sum, migrations.FS); err != nil {
		return "", err
	}
	return "ringback_template_" + hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

func addFiles(sum hash.Hash, files fs.FS) error {
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return fmt.Errorf("read the migration %s: %w", path, err)
		}
		// A hash's Write never fails.
		_, _ = fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return nil
	})
}
