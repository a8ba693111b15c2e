//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the oldest PostgreSQL that the program works with.
const oldestMajor = 14

// programFolders are the places where package managers put PostgreSQL's server programs without putting them on the
// PATH.
var programFolders = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // Red Hat
	"/usr/libexec/postgresql*",                           // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew, Apple silicon
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew, Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew, Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	"/opt/local/lib/postgresql*/bin",                     // MacPorts
	"/usr/local/pgsql/bin",                               // from source
}

var (
	versionPattern = regexp.MustCompile(`^postgres \(PostgreSQL\) (\d+)`)
	digits         = regexp.MustCompile(`\d+`)
)

// programs is one installation of PostgreSQL's server programs.
type programs struct {
	folder string
	// major is the major version, such as 17.
	major int
}

func (p programs) postgres() string { return filepath.Join(p.folder, "postgres") }
func (p programs) initdb() string   { return filepath.Join(p.folder, "initdb") }

// findPrograms finds the installation to use: the one on the PATH, else the newest. A cluster that exists needs the
// major version that made it; need is 0 when there is none.
func findPrograms(ctx context.Context, user account, need int) (programs, error) {
	var refused []string
	for _, folder := range candidateFolders() {
		found, err := inspect(ctx, user, folder)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			refused = append(refused, err.Error())
		case found.major < oldestMajor:
			refused = append(refused, fmt.Sprintf("%s has version %d, too old", folder, found.major))
		case need != 0 && found.major != need:
			refused = append(refused, fmt.Sprintf("%s has version %d", folder, found.major))
		default:
			return found, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return programs{}, fmt.Errorf("look for PostgreSQL's programs: %w", err)
	}
	return programs{}, notInstalled(runtime.GOOS, need, refused)
}

// notInstalled says what to do on a system, named as in runtime.GOOS.
func notInstalled(system string, need int, refused []string) error {
	what, debian, brew := fmt.Sprintf("PostgreSQL %d or newer", oldestMajor), "postgresql", "postgresql"
	if need != 0 {
		what = fmt.Sprintf("PostgreSQL %d, which made the data in data_dir,", need)
		debian, brew = fmt.Sprintf("postgresql-%d", need), fmt.Sprintf("postgresql@%d", need)
	}
	install := "apt-get install " + debian
	if system == "darwin" {
		install = "brew install " + brew
	}
	text := fmt.Sprintf("%s is not installed: run `%s`, or set database.url to a server that runs elsewhere", what, install)
	if len(refused) > 0 {
		text += " (looked at: " + strings.Join(refused, "; ") + ")"
	}
	return errors.New(text)
}

// candidateFolders lists the folders to look into, best first.
func candidateFolders() []string {
	var folders []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	var installed []string
	for _, pattern := range programFolders {
		// The patterns are well-formed: Glob has no other error.
		matches, _ := filepath.Glob(pattern)
		installed = append(installed, matches...)
	}
	slices.SortStableFunc(installed, func(a, b string) int { return versionInPath(b) - versionInPath(a) })
	for _, folder := range installed {
		if !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// versionInPath is the number that a folder's path names, such as 17 in /usr/lib/postgresql/17/bin; 0 if it names none.
func versionInPath(folder string) int {
	number, err := strconv.Atoi(digits.FindString(folder))
	if err != nil {
		return 0
	}
	return number
}

// inspect asks the programs in a folder for their version, as the user who will run them.
func inspect(ctx context.Context, user account, folder string) (programs, error) {
	found := programs{folder: folder}
	for _, path := range []string{found.postgres(), found.initdb()} {
		if _, err := os.Stat(path); err != nil {
			return programs{}, err
		}
	}
	cmd := exec.CommandContext(ctx, found.postgres(), "--version")
	cmd.Dir = "/"
	cmd.Env = environment()
	cmd.SysProcAttr = user.attributes()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return programs{}, fmt.Errorf("%s --version, run as %s, failed: %w %s", found.postgres(), user.name, err, strings.TrimSpace(string(out)))
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return programs{}, fmt.Errorf("%s is not PostgreSQL's server", found.postgres())
	}
	found.major, err = strconv.Atoi(string(match[1]))
	return found, err
}

// environment is what PostgreSQL's programs see of ours: no PG* variable and no locale may change what they do or say.
func environment() []string {
	env := []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}
