package policy

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"ringback/internal/cart"

	"github.com/nyaruka/phonenumbers"
)

// person is where a customer may be, by their number and address, else by the store. A call must be allowed by the
// hours of every place, on the clock of every zone.
type person struct {
	zones  []*zone
	places []place
}

// place is one jurisdiction that a person may be in, with the public holidays kept there.
type place struct {
	// country is ISO 3166-1 alpha-2; "" when it is not known.
	country string
	row     *row
	public  *publicHolidays
	// terms are those of the day of the decision; nil when there are none.
	terms *terms
}

// settle looks up the terms of every place on the day of now, by the likeliest of the person's clocks.
func (p *person) settle(now time.Time) {
	_, offset := now.In(p.zones[0].loc).Zone()
	day := dayOf(now.Unix() + int64(offset))
	for i := range p.places {
		p.places[i].terms = p.places[i].row.on(day)
	}
}

// evidence is what one source tells about where somebody is. Empty and nil mean unknown.
type evidence struct {
	country string
	// province is set only if we know the province.
	province string
	zones    []*zone
}

// locate finds the places and zones that a cart's customer may be in.
func (c *compiled) locate(ct *cart.Cart, p *person) {
	number := c.tables.byNumber(ct.Phone, ct.Country)
	address := c.tables.byAddress(ct.Checkout.Shipping, ct.Checkout.Billing)
	if number.country == address.country {
		// Each fills in what the other leaves open.
		c.addPlaces(p, number.country, number.province, address.province)
		if len(number.zones)+len(address.zones) == 0 {
			number.zones = c.tables.zonesOf(number.country)
		}
	} else {
		for _, e := range []*evidence{&number, &address} {
			if e.country == "" {
				continue
			}
			c.addPlaces(p, e.country, e.province)
			if len(e.zones) == 0 {
				e.zones = c.tables.zonesOf(e.country)
			}
		}
	}
	// The more exact one comes first. If both are as exact, the address does: people live where their parcels go.
	first, second := address.zones, number.zones
	if len(first) == 0 || len(second) > 0 && len(second) < len(first) {
		first, second = second, first
	}
	p.addZones(first)
	p.addZones(second)
	// A number tells little about where in its country somebody lives. Without an address, the store's zone is as likely.
	if len(p.zones) == 0 || address.country == "" && number.country == c.store.Country {
		p.addZone(c.storeZone)
	}
}

// Zones returns the zones that the cart's customer may live by, the likeliest first. There is at least one, the
// store's, unless the rules have problems.
func Zones(r *Rules, c *cart.Cart) []*time.Location {
	ready, err := r.ready()
	if err != nil {
		return nil
	}
	var p person
	ready.locate(c, &p)
	locations := make([]*time.Location, len(p.zones))
	for i, z := range p.zones {
		locations[i] = z.loc
	}
	return locations
}

// addPlaces adds the jurisdictions of a country: its own, and those of the known provinces. If none is known and
// provinces have rows, it adds the row for an unknown province.
func (c *compiled) addPlaces(p *person, country string, provinces ...string) {
	rows, ok := c.countries[country]
	if !ok {
		p.addPlace(country, c.elsewhere, c.tables.holidays.in(country, ""))
		return
	}
	known := false
	if _, territory := rows.states[country]; territory {
		// Puerto Rico is a country by its code and a state by its law.
		provinces = append(provinces, country)
	}
	for _, province := range provinces {
		if province == "" {
			continue
		}
		known = true
		public := c.tables.holidays.in(country, province)
		p.addPlace(country, rows.row, public)
		if r, ok := rows.states[province]; ok {
			p.addPlace(country, r, public)
		}
	}
	if known {
		return
	}
	public := c.tables.holidays.in(country, "")
	p.addPlace(country, rows.row, public)
	if rows.unknownState != nil {
		p.addPlace(country, rows.unknownState, public)
	}
}

func (p *person) addPlace(country string, r *row, public *publicHolidays) {
	if added := (place{country: country, row: r, public: public}); !slices.Contains(p.places, added) {
		p.places = append(p.places, added)
	}
}

func (p *person) addZones(zones []*zone) {
	for _, z := range zones {
		p.addZone(z)
	}
}

func (p *person) addZone(z *zone) {
	if !slices.Contains(p.zones, z) {
		p.zones = append(p.zones, z)
	}
}

// byAddress reads the delivery address, else the billing address.
func (t *tables) byAddress(shipping, billing *cart.Address) evidence {
	for _, a := range []*cart.Address{shipping, billing} {
		if a == nil || a.CountryCode == "" {
			continue
		}
		e := evidence{country: strings.ToUpper(a.CountryCode)}
		if c := t.countries[e.country]; c != nil {
			province := strings.ToUpper(strings.TrimSpace(a.ProvinceCode))
			if zones, ok := c.provinces[province]; ok {
				e.province, e.zones = province, zones
			} else if len(c.zones) == 1 {
				e.zones = c.zones
				e.province = province
			}
		}
		return e
	}
	return evidence{}
}

// byNumber reads an E.164 number of a country.
func (t *tables) byNumber(e164, country string) evidence {
	e := evidence{country: country}
	digits := strings.TrimPrefix(e164, "+")
	if area, ok := areaCode(digits); ok {
		if country == "US" {
			e.province = t.states[area]
		}
		e.zones = t.zonesOfArea(area)
		return e
	}
	if c := t.countries[country]; c != nil {
		for _, prefix := range c.phones {
			if strings.HasPrefix(digits, prefix) {
				return e
			}
		}
	}
	e.zones = t.zonesOfNumber(digits)
	return e
}

// areaCode returns the area code of a number of country code 1.
func areaCode(digits string) (int, bool) {
	if len(digits) < 4 || digits[0] != '1' {
		return 0, false
	}
	area, err := strconv.Atoi(digits[1:4])
	return area, err == nil && area >= 200
}

// The most zones that an area code may lie in. A number with more zones has no place, like a freephone number.
const maxAreaZones = 5

// zonesOfArea returns the zones of all numbers of the area code. People keep their number when they move, and an area
// code that lies in two zones has the same exchanges in both.
func (t *tables) zonesOfArea(area int) []*zone {
	if known := t.areaZones[area].Load(); known != nil {
		return *known
	}
	var zones []*zone
	prefix := []byte("1" + strconv.Itoa(area) + "000")
	for exchange := range 1000 {
		prefix[4], prefix[5], prefix[6] = byte('0'+exchange/100), byte('0'+exchange/10%10), byte('0'+exchange%10)
		for _, z := range t.zonesOfNumber(string(prefix)) {
			if !slices.Contains(zones, z) {
				zones = append(zones, z)
			}
		}
		if len(zones) > maxAreaZones {
			zones = nil
			break
		}
	}
	slices.SortFunc(zones, func(a, b *zone) int { return strings.Compare(a.name, b.name) })
	t.areaZones[area].Store(&zones)
	return zones
}

// zonesOfNumber returns the zones in which libphonenumber places the number; none when it does not know.
func (t *tables) zonesOfNumber(digits string) []*zone {
	names, err := phonenumbers.GetTimezonesForPrefix(digits)
	if err != nil || len(names) == 0 || names[0] == phonenumbers.UNKNOWN_TIMEZONE {
		return nil
	}
	// The library returns the same list for the same prefix. So the address of its first name identifies the list.
	if known, ok := t.numberZones.Load(&names[0]); ok {
		return known.([]*zone)
	}
	var zones []*zone
	for _, name := range names {
		z, err := loadZone(name)
		if err == nil && !slices.Contains(zones, z) {
			zones = append(zones, z)
		}
	}
	t.numberZones.Store(&names[0], zones)
	return zones
}

// zonesOf returns every zone of a country; none when it is not known.
func (t *tables) zonesOf(code string) []*zone {
	if c := t.countries[code]; c != nil {
		return c.zones
	}
	return nil
}
