package web_test

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"ringback/internal/web/webtest"

	"github.com/stretchr/testify/require"
)

// crowdSize names how many carts BenchmarkPages stores, 2000 unless it is set. With RINGBACK_TEST_DATABASE_URL the
// database is one with a disk.
const crowdSize = "RINGBACK_BENCH_CARTS"

// narrowed are the queries that the lists of carts are narrowed by.
var narrowed = []string{
	"", "?shop=" + webtest.Acme, "?reason=refused", "?reason=window", "?state=waiting&reason=refused",
	"?shop=" + webtest.Bolt + "&reason=refused", "?shop=" + webtest.Acme + "&state=stopped",
}

// BenchmarkPages shows the pages and asks the API of an installation of many carts. p50-ms is the median.
func BenchmarkPages(b *testing.B) {
	carts := 2000
	if text := os.Getenv(crowdSize); text != "" {
		var err error
		carts, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	s := webtest.New(b)
	s.Crowd(carts)
	_, err := s.DB.AnalyzeOutgrown(b.Context())
	require.NoError(b, err)
	_, err = s.DB.FoldSums(b.Context())
	require.NoError(b, err)
	var id string
	require.NoError(b, s.Pool.QueryRow(b.Context(), `SELECT cart_id::text FROM calls LIMIT 1`).Scan(&id))
	paths := []string{
		"/", "/shops", "/shops/" + webtest.Acme, "/shops/" + webtest.Bolt, "/carts/" + id, "/calls",
		"/calls?shop=" + webtest.Acme, "/suppressions", "/api/v1/stats", "/api/v1/stats?shop=" + webtest.Acme,
		"/api/v1/stats?from=2026-09-01T10:20:30Z&to=2026-11-20T11:12:13Z", "/api/v1/calls",
		"/api/v1/calls?shop=" + webtest.Acme, "/api/v1/carts/" + id, "/api/v1/suppressions",
	}
	for _, n := range narrowed {
		paths = append(paths, "/carts"+n, "/api/v1/carts"+n)
	}
	for _, path := range paths {
		b.Run(path, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				a := s.Send(http.MethodGet, path, nil, "Authorization", "Bearer "+webtest.APIToken)
				took = append(took, time.Since(began))
				require.Equal(b, http.StatusOK, a.StatusCode, a.Text())
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
		})
	}
}
