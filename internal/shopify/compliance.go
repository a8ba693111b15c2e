package shopify

// Compliance is the content of a compliance webhook: customers/data_request, customers/redact or shop/redact
// (Shopify, "Privacy law compliance"). Absent values are "" or nil: the customer of a redaction may have an email only.
type Compliance struct {
	ShopID string
	// ShopDomain is the shop the body names, lower case; "" when it names none that is valid. It must agree with the
	// delivery's shop, for the header is not signed.
	ShopDomain string
	CustomerID string
	Email      string
	Phone      string
	// Orders are the ids of the orders the request is about.
	Orders []string
	// DataRequestID is set for customers/data_request.
	DataRequestID string
}

// DecodeCompliance reads the payload of a compliance topic. The only error is a body that is no JSON object.
func DecodeCompliance(body []byte) (Compliance, error) {
	var p struct {
		ShopID     id   `json:"shop_id"`
		ShopDomain text `json:"shop_domain"`
		Customer   object[struct {
			ID    id   `json:"id"`
			Email text `json:"email"`
			Phone text `json:"phone"`
		}] `json:"customer"`
		Requested   ids `json:"orders_requested"`
		ToRedact    ids `json:"orders_to_redact"`
		DataRequest object[struct {
			ID id `json:"id"`
		}] `json:"data_request"`
	}
	if err := decodeObject(body, &p); err != nil {
		return Compliance{}, err
	}
	shop, err := ParseShop(string(p.ShopDomain))
	if err != nil {
		shop = ""
	}
	return Compliance{
		ShopID:        string(p.ShopID),
		ShopDomain:    shop,
		CustomerID:    string(p.Customer.value.ID),
		Email:         string(p.Customer.value.Email),
		Phone:         string(p.Customer.value.Phone),
		Orders:        append([]string(p.Requested), p.ToRedact...),
		DataRequestID: string(p.DataRequest.value.ID),
	}, nil
}
