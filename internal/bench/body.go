package bench

import (
	"bytes"
	"fmt"
	"time"
)

// phoneOf is the mobile number of a checkout's customer, without +91. In India these begin with 6 to 9.
func phoneOf(number int64) int64 { return 9_000_000_000 + number%1_000_000_000 }

// writeCheckout writes a checkout as Shopify's webhooks do, of about 2.7 KB. Each checkout is another person's. A
// version differs from the one before in its time and its price.
func writeCheckout(b *bytes.Buffer, shop string, number int64, version int, touched time.Time) {
	id := 40_000_000_000 + number
	phone := phoneOf(number)
	price := 400 + number%900 + int64(version)
	created, updated := touched.Add(-time.Minute).Format(time.RFC3339), touched.Format(time.RFC3339Nano)
	fmt.Fprintf(b, `{"id":%d,"token":"%032x","cart_token":"%032x","email":"shopper%d@example.com","gateway":null,`+
		`"buyer_accepts_marketing":true,"buyer_accepts_sms_marketing":true,"sms_marketing_phone":"+91%d",`+
		`"created_at":%q,"updated_at":%q,"landing_site":"/collections/rugs?utm_source=newsletter","note":null,`+
		`"note_attributes":[{"name":"automated_calls","value":"yes"}],`+
		`"referring_site":"","shipping_lines":[],"taxes_included":true,"total_weight":1800,"currency":"INR",`+
		`"completed_at":null,"closed_at":null,"user_id":null,"location_id":null,"source_identifier":null,"source_url":null,`+
		`"device_id":null,`+
		`"phone":"+91%d","customer_locale":"en-IN","name":"#%d","source":null,`+
		`"abandoned_checkout_url":"https://%s/60000000001/checkouts/%032x/recover?key=%016x","discount_codes":[],`+
		`"tax_lines":[{"price":"60.95","rate":0.05,"title":"IGST","channel_liable":false}],"source_name":"web",`+
		`"presentment_currency":"INR","total_discounts":"0.00","total_line_items_price":"%d.00","total_price":"%d.00",`+
		`"total_tax":"60.95","subtotal_price":"%d.00","total_duties":null,`,
		id, id, id+7, number, phone, created, updated, phone, id, shop, id, id, price*2, price*2, price*2)
	for line := range 2 {
		fmt.Fprintf(b, `%s{"applied_discounts":[],"discount_allocations":[],"key":"%032x","destination_location_id":null,`+
			`"fulfillment_service":"manual","gift_card":false,"grams":900,"origin_location_id":null,"presentment_title":`+
			`"Handwoven cotton rug","presentment_variant_title":"90 x 150 / Indigo","product_id":%d,"properties":null,`+
			`"quantity":1,"requires_shipping":true,"sku":"RUG-%d","tax_lines":[],"taxable":true,"title":"Handwoven cotton rug",`+
			`"variant_id":%d,"variant_title":"90 x 150 / Indigo","variant_price":"%d.00","vendor":"Loom",`+
			`"unit_price_measurement":{"measured_type":null,"quantity_value":null},`+
			`"compare_at_price":null,"line_price":"%d.00","price":"%d.00"}`,
			[]string{`"line_items":[`, `,`}[line], id+int64(line), 8_000_000_000+id%50, id%50, 9_000_000_000+id%50,
			price, price, price)
	}
	fmt.Fprintf(b, `],"billing_address":null,"shipping_address":{"first_name":"Mira","address1":"14 Lake Road",`+
		`"phone":"+91%d","city":"Pune","zip":"411001","province":"Maharashtra","country":"India","last_name":"Sen",`+
		`"address2":null,`+
		`"company":null,"latitude":null,"longitude":null,"name":"Mira Sen","country_code":"IN","province_code":"MH"},`+
		`"customer":{"id":%d,`+
		`"created_at":%q,"updated_at":%q,"first_name":"Mira","last_name":"Sen","orders_count":0,"state":"disabled",`+
		`"total_spent":"0.00","last_order_id":null,"note":null,"verified_email":true,"multipass_identifier":null,`+
		`"tax_exempt":false,"tags":"","last_order_name":null,"currency":"INR","phone":"+91%d","tax_exemptions":[]}}`,
		phone, 70_000_000_000+number, created, created, phone)
}
