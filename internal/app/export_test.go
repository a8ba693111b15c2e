package app

// WithShopify replaces https://{shop} by another base URL, for a simulated Shopify; "{shop}" in it stands for the
// domain.
func WithShopify(baseURL string) Option { return func(a *App) { a.shopifyURL = baseURL } }
