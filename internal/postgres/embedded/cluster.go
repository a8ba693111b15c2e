//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cluster is the data of a server and all that is needed to run it.
type cluster struct {
	dir       directory
	programs  programs
	account   account
	entrance  entrance
	throwaway bool
}

// findCluster looks up who runs the server and with which programs.
func findCluster(ctx context.Context, dir directory, throwaway bool) (cluster, error) {
	c := cluster{dir: dir, throwaway: throwaway}
	major, err := majorOf(dir.cluster())
	if err != nil {
		return cluster{}, err
	}
	if c.account, err = serverAccount(dir.cluster()); err != nil {
		return cluster{}, err
	}
	if c.entrance, err = c.account.entrance(ctx, dir.path); err != nil {
		return cluster{}, err
	}
	c.programs, err = findPrograms(ctx, c.account, major)
	return c, err
}

// majorOf is the major version that made the cluster, or 0 if there is no cluster.
func majorOf(path string) (int, error) {
	text, err := os.ReadFile(filepath.Join(path, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			return 0, fmt.Errorf("%s holds no PostgreSQL data (no PG_VERSION): choose another data_dir, or move it away", path)
		}
		return 0, nil
	}
	if errors.Is(err, os.ErrPermission) {
		return 0, fmt.Errorf("%w: the data belongs to another user; start as that user, or choose another data_dir", err)
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION says %q: not a version that this program knows", path, text)
	}
	return major, nil
}

// prepare creates the cluster if there is none, and returns how its server will be reached.
func (c cluster) prepare(ctx context.Context, log *slog.Logger) (connection, error) {
	url, err := c.dir.readConnection()
	known := err == nil
	if !known {
		if !errors.Is(err, os.ErrNotExist) {
			return connection{}, err
		}
		url = newConnection()
	}
	if url, err = url.withFreePort(ctx); err != nil {
		return connection{}, err
	}
	_, err = os.Stat(c.dir.cluster())
	switch {
	case errors.Is(err, os.ErrNotExist):
		begun := time.Now()
		if err = c.create(ctx, url.password); err == nil {
			log.InfoContext(ctx, "created the embedded Postgres", "data_dir", c.dir.path, "version", c.programs.major, "took", time.Since(begun).Round(time.Millisecond))
		}
	case err == nil && !known:
		log.WarnContext(ctx, "the embedded Postgres gets a new password: the file with the old one is gone", "file", c.dir.connectionFile())
		err = c.setPassword(ctx, url.password)
	}
	if err != nil {
		return connection{}, err
	}
	if err := c.dir.writeConnection(url); err != nil {
		return connection{}, fmt.Errorf("keep the connection of the embedded Postgres: %w", err)
	}
	return url, nil
}

// create makes a new cluster beside its place and then moves it there, so that a crash leaves none or a whole one.
func (c cluster) create(ctx context.Context, password string) (err error) {
	if err := c.removeUnfinished(); err != nil {
		return err
	}
	workshop, err := os.MkdirTemp(c.dir.path, "postgres.new-")
	if err != nil {
		return fmt.Errorf("create the Postgres cluster: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(workshop)) }()
	if err := c.furnish(workshop, password); err != nil {
		return fmt.Errorf("create the Postgres cluster: %w", err)
	}
	if err := c.initialise(ctx, workshop); err != nil {
		return fmt.Errorf("create the Postgres cluster: %w", err)
	}
	if err := os.Rename(filepath.Join(workshop, "data"), c.dir.cluster()); err != nil {
		return fmt.Errorf("create the Postgres cluster: %w", err)
	}
	return syncFolder(c.dir.path)
}

// furnish puts the password into the workshop and gives both to the account.
func (c cluster) furnish(workshop, password string) error {
	passwordFile := filepath.Join(workshop, "password")
	if err := os.WriteFile(passwordFile, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	if !c.account.switched {
		return nil
	}
	return errors.Join(os.Chown(passwordFile, c.account.uid, c.account.gid), os.Chown(workshop, c.account.uid, c.account.gid))
}

// initialise makes the cluster in the workshop.
func (c cluster) initialise(ctx context.Context, workshop string) error {
	w, err := c.entrance.open(workshop)
	if err != nil {
		return err
	}
	defer w.close()
	args := []string{
		"--pgdata=" + filepath.Join(w.path, "data"), "--pwfile=" + filepath.Join(w.path, "password"), "--username=" + roleName,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	if c.throwaway {
		args = append(args, "--no-sync")
	}
	return work(c.command(ctx, w, c.programs.initdb(), args...), "")
}

// removeUnfinished removes what a crash while creating the cluster left.
func (c cluster) removeUnfinished() error {
	left, err := filepath.Glob(filepath.Join(c.dir.path, "postgres.new-*"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	if err != nil {
		return fmt.Errorf("remove an unfinished Postgres cluster: %w", err)
	}
	return nil
}

// setPassword gives a cluster that is not running a new password.
func (c cluster) setPassword(ctx context.Context, password string) error {
	// The password is made of hexadecimal digits: nothing to escape.
	statement := fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'\n", roleName, password)
	w, err := c.entrance.open(c.dir.cluster())
	if err != nil {
		return err
	}
	defer w.close()
	if err := work(c.command(ctx, w, c.programs.postgres(), "--single", "-D", w.path, "postgres"), statement); err != nil {
		return fmt.Errorf("set a new password of the embedded Postgres: %w", err)
	}
	return nil
}

// work runs a program to its end; the error quotes the end of what it said.
func work(cmd *exec.Cmd, input string) error {
	var said strings.Builder
	cmd.Stdin = strings.NewReader(input)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := runBound(cmd); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Path, err, lastLines(said.String()))
	}
	return nil
}

// syncFolder makes a rename in a folder survive a crash of the machine.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// lastLines is the end of what a program said, on one line.
func lastLines(text string) string {
	const keep = 5
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-keep):], " / ")
}
