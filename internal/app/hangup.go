package app

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// IgnoreHangups keeps SIGHUP from ending the process: many programs reload at that signal, and one that is sent it in
// that belief must not drop its calls and its database. It is answered with a line in the log. stop ends that.
func IgnoreHangups(log *slog.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-hangups:
				log.Warn("SIGHUP is ignored: the configuration is read at start; restart to reload it")
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(done)
	}
}
