package contract_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ringback/internal/voice/contract"

	"github.com/stretchr/testify/require"
)

const (
	call    = `{"phoneNumber":"+14155550100","assistant":"a","payload":PAYLOAD,"metadata":{"call_id":"x"}}`
	payload = `{"customer":{"firstName":"Ann","email":null,"phone":"+1"},"lineItems":[{"title":"Tea","quantity":1}],"subtotalPriceSet":{},"totalDiscountSet":{},"totalPriceSet":{"shopMoney":{"amount":"1"}}}`
)

func request(t *testing.T, method, path string, header ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://voice.example"+path, nil)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// The schemas must be as strict as the published ones: a mistake in them would hide a mistake of ours.
func TestMirai_RequestsAreCheckedAgainstTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load("mirai")
	require.NoError(t, err)
	keys := []string{"x-public-key", "pk", "x-private-key", "sk", "workspace", "ws"}
	good := strings.Replace(call, "PAYLOAD", payload, 1)
	require.NoError(t, doc.Request(request(t, "POST", "/v2/call/initiate", keys...), []byte(good)))
	require.NoError(t, doc.Request(request(t, "POST", "/v2/call/abort", keys...), []byte(`{"callId":"c"}`)))
	require.NoError(t, doc.Request(request(t, "PUT", "/v2/call/c_1", keys...), []byte(`{"payload":{}}`)))
	for _, bad := range []struct{ method, path, body string }{
		{"GET", "/v2/call/initiate", good}, {"POST", "/v2/call", good}, {"POST", "/v2/call/initiate", `{"assistant":"a"}`}, {"POST", "/v2/call/initiate", `not json`},
		{"POST", "/v2/call/initiate", `{"phoneNumber":"+1","assistant":"a","callbackUrl":"/x"}`},
		{"POST", "/v2/call/initiate", `{"phoneNumber":"+1","assistant":"a","metadata":{"discount":{"value":"10"}}}`},
		{"POST", "/v2/call/initiate", `{"phoneNumber":"+1","assistant":"a","metadata":{"discount":{"applyAs":"extra"}}}`},
		{"POST", "/v2/call/abort", `{}`}, {"PUT", "/v2/call/c_1", `{}`},
	} {
		require.Error(t, doc.Request(request(t, bad.method, bad.path, keys...), []byte(bad.body)), bad)
	}
	for i := range 3 {
		less := append(append([]string(nil), keys[:2*i]...), keys[2*i+2:]...)
		require.Error(t, doc.Request(request(t, "POST", "/v2/call/initiate", less...), []byte(good)))
	}
	require.Error(t, doc.Request(request(t, "POST", "/v2/call/initiate", append(keys, "Content-Type", "text/plain")...), []byte(good)))

	require.NoError(t, doc.Schema("AbandonedCartPayload", []byte(payload)))
	for was, is := range map[string]string{
		`"firstName":"Ann",`: ``, `"email":null`: `"email":"ann"`, `"phone":"+1"`: `"phone":null`, `"quantity":1`: `"quantity":0`, `"title":"Tea"`: `"name":"Tea"`,
		`[{"title":"Tea","quantity":1}]`: `[]`, `"amount":"1"`: `"amount":1`, `"totalDiscountSet":{},`: ``, `{"customer"`: `{"totalLineItemsPrice":"1","customer"`,
		`"quantity":1}`: `"quantity":1,"variant":{"title":"x"}}`, `"subtotalPriceSet":{}`: `"subtotalPriceSet":{"currency":"INR"}`,
	} {
		bad := strings.Replace(payload, was, is, 1)
		require.NotEqual(t, payload, bad, was)
		require.Error(t, doc.Schema("AbandonedCartPayload", []byte(bad)), bad)
	}
	require.Error(t, doc.Schema("NoSuchSchema", []byte(`{}`)))
}

func TestOtherProviders_RequestsAreCheckedAgainstTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load("miraiadmin")
	require.NoError(t, err)
	r := request(t, "POST", "/v1/admin/assistant/call", "workspace", "w", "organization", "o", "Authorization", "Bearer t")
	require.NoError(t, doc.Request(r, []byte(`{"assistant_id":"a","to_number":"+14155550100"}`)))
	require.Error(t, doc.Request(r, []byte(`{"assistant_id":"a","to_number":"4155550100"}`)))
	require.Error(t, doc.Request(r, []byte(`{"assistant_id":"a","to_number":"+14155550100","metadata":{}}`)))
	r.Header.Set("Authorization", "t")
	require.Error(t, doc.Request(r, []byte(`{"assistant_id":"a","to_number":"+14155550100"}`)))

	doc, err = contract.Load("mihu")
	require.NoError(t, err)
	r = request(t, "POST", "/api/v1/call", "Authorization", "Bearer t")
	agent := `"agentId":"32d8fc98-be1e-4d32-a12e-146f397fb1cb"`
	require.NoError(t, doc.Request(r, []byte(`{`+agent+`,"prompt":{"overwrite":true,"content":"x"},"participant":{"number":"+14155550100"}}`)))
	require.Error(t, doc.Request(r, []byte(`{`+agent+`,"prompt":{"content":"x"},"participant":{"number":"+14155550100"}}`)))
	require.Error(t, doc.Request(r, []byte(`{`+agent+`,"prompt":{"overwrite":true,"content":"x"},"participant":{"number":"+14155550100"},"metadata":{}}`)))
	require.Error(t, doc.Request(r, []byte(`{"agentId":"a","prompt":{"overwrite":true,"content":"x"},"participant":{"number":"+14155550100"}}`)))

	_, err = contract.Load("nobody")
	require.Error(t, err)
}

func TestMiraiOnboarding_RequestsAreCheckedAgainstTheDocument(t *testing.T) {
	t.Parallel()
	doc, err := contract.Load("miraionboarding")
	require.NoError(t, err)
	keys := []string{"x-public-key", "pk", "x-private-key", "sk", "workspace", "ws"}
	const workspace = `{"name":"Acme","currencyCode":"INR","timezone":"Asia/Kolkata","supportContacts":{"phoneNumber":"+918000000000"},"trustSignals":{"valuePropositionOneLiner":"Tea"}}`
	const settings = `"agent":{"identity":{"name":"Priya","gender":"female","voice":"priya"}},"icpContext":{"language":"hindi"},` +
		`"callSettings":{"slots":[{"startTime":"10:00","endTime":"23:59"}],"retryProtocol":{"maxAttemptsNoPickup":0}}`
	const assistant = `{"name":"A","variant":{"type":"abandoned_cart"},` + settings + `}`
	require.NoError(t, doc.Request(request(t, "POST", "/v2/workspace/onboard/shopify", keys[:4]...), []byte(workspace)))
	require.NoError(t, doc.Request(request(t, "GET", "/v1/admin/assistant/list", keys...), nil))
	require.NoError(t, doc.Request(request(t, "POST", "/v1/admin/assistant/create", keys...), []byte(assistant)))
	require.NoError(t, doc.Request(request(t, "PUT", "/v1/admin/assistant/update/a_1", keys...), []byte(`{"variant":{},`+settings+`}`)))
	require.Error(t, doc.Request(request(t, "GET", "/v1/admin/assistant/list", keys[:4]...), nil), "no workspace")
	require.Error(t, doc.Request(request(t, "PUT", "/v1/admin/assistant/update/a_1", keys...), []byte(assistant)), "the variant's type cannot be changed")
	for was, is := range map[string]string{`"INR"`: `"rupees"`, `"+918000000000"`: `"1800-TEA"`, `{"valuePropositionOneLiner":"Tea"}`: `{}`, `"name":"Acme",`: `"brand":"Acme",`} {
		require.Error(t, doc.Request(request(t, "POST", "/v2/workspace/onboard/shopify", keys...), []byte(strings.Replace(workspace, was, is, 1))), is)
	}
	for was, is := range map[string]string{
		`"23:59"`: `"24:00"`, `[{"startTime":"10:00","endTime":"23:59"}]`: `[]`, `"female"`: `"woman"`, `"abandoned_cart"`: `"sales"`, `"name":"A"`: `"name":"` + strings.Repeat("a", 41) + `"`,
		`,"retryProtocol":{"maxAttemptsNoPickup":0}`: ``, `"maxAttemptsNoPickup":0`: `"maxAttemptsNoPickup":6`, `{"language":"hindi"}`: `{}`,
	} {
		require.Error(t, doc.Request(request(t, "POST", "/v1/admin/assistant/create", keys...), []byte(strings.Replace(assistant, was, is, 1))), is)
	}
}
