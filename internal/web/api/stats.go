package api

import (
	"math"
	"net/http"
	"time"

	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/web/param"
	"ringback/internal/wording"

	"github.com/labstack/echo/v4"
)

// statsJSON sums up what became of the carts made in a span of time, and of the calls made in it.
type statsJSON struct {
	// Shop is null for all shops.
	Shop *string `json:"shop"`
	// From is inclusive, To exclusive.
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to"`
	Carts cartCountsJSON `json:"carts"`
	// Reasons counts the carts by reason. Reasons that no cart has are left out.
	Reasons map[cart.Reason]int `json:"reasons"`
	// Calls counts the calls dialled, Answered those that were picked up.
	Calls     int               `json:"calls"`
	Answered  int               `json:"answered"`
	Outcomes  outcomeCountsJSON `json:"outcomes"`
	Purchases []purchasesJSON   `json:"purchases"`
	Arms      []armJSON         `json:"arms"`
	// AbandonReasons says why customers left their carts behind, as far as calls told it, the most frequent first.
	AbandonReasons []abandonReasonJSON `json:"abandon_reasons"`
	Offers         offersJSON          `json:"offers"`
}

type abandonReasonJSON struct {
	Reason string `json:"reason"`
	Calls  int    `json:"calls"`
	// Share is the part of the calls that told a reason, from 0 to 1, in four decimals.
	Share float64 `json:"share"`
}

// offersJSON counts calls with an offer. Each number includes the ones further down the road: who accepted an offer was
// told of it.
type offersJSON struct {
	// Offered is how many went out with a call; Unmentioned is how many of them are known not to have been mentioned.
	Offered     int `json:"offered"`
	Mentioned   int `json:"mentioned"`
	Accepted    int `json:"accepted"`
	Unmentioned int `json:"unmentioned"`
}

type cartCountsJSON struct {
	Watching  int `json:"watching"`
	Waiting   int `json:"waiting"`
	Ready     int `json:"ready"`
	Calling   int `json:"calling"`
	Purchased int `json:"purchased"`
	Stopped   int `json:"stopped"`
}

type outcomeCountsJSON struct {
	Completed int `json:"completed"`
	Voicemail int `json:"voicemail"`
	NoAnswer  int `json:"no_answer"`
	Busy      int `json:"busy"`
	Failed    int `json:"failed"`
	Timeout   int `json:"timeout"`
	Aborted   int `json:"aborted"`
	Skipped   int `json:"skipped"`
	Invalid   int `json:"invalid"`
	Lost      int `json:"lost"`
}

type purchasesJSON struct {
	Attribution *cart.Attribution `json:"attribution"`
	Currency    *string           `json:"currency"`
	// Revenue is Gross: what was ordered.
	Revenue string `json:"revenue"`
	sumJSON
	// CashOnDelivery is the part that is paid at the door.
	CashOnDelivery sumJSON `json:"cash_on_delivery"`
}

// sumJSON says what became of what was ordered: Gross = Refunded + Cancelled + Net.
type sumJSON struct {
	Count int `json:"count"`
	// Gross is the total of the orders as they were placed.
	Gross string `json:"gross"`
	// Refunded is what was given back or taken off orders that were not cancelled, Cancelled the total of those that were.
	Refunded  string `json:"refunded"`
	Cancelled string `json:"cancelled"`
	// Net is what stayed.
	Net string `json:"net"`
}

type armJSON struct {
	Arm       cart.Arm `json:"arm"`
	Carts     int      `json:"carts"`
	Purchased int      `json:"purchased"`
	// Cancelled counts the purchases that were cancelled.
	Cancelled int `json:"cancelled"`
	// Conversion is Purchased / Carts, from 0 to 1, in four decimals.
	Conversion float64         `json:"conversion"`
	Amounts    []armAmountJSON `json:"amounts"`
}

// armAmountJSON is what an arm's purchases came to in one currency.
type armAmountJSON struct {
	Currency *string `json:"currency"`
	sumJSON
	// NetPerCart is Net / Carts of the arm: what a cart brought, bought or not.
	NetPerCart string `json:"net_per_cart"`
}

func sumAsJSON(s postgres.Sum, currency string) sumJSON {
	return sumJSON{
		Count: s.Count, Gross: wording.Amount(s.Gross, currency), Refunded: wording.Amount(s.Refunded, currency),
		Cancelled: wording.Amount(s.Cancelled, currency), Net: wording.Amount(s.Net(), currency),
	}
}

// usualSpan is how far back the statistics reach when from is left out.
const usualSpan = 30 * 24 * time.Hour

func (a *API) stats(c echo.Context) error {
	q := param.ReadQuery(c, "shop", "from", "to")
	shop := q.Shop()
	to := q.Instant("to", a.db.Now(), true)
	from := q.Instant("from", to.Add(-usualSpan), false)
	if q.Err() == nil && !from.Before(to) {
		q.Refuse("from", q.Get("from"), "write an instant or day before to")
	}
	if err := q.Err(); err != nil {
		return err
	}
	stats, err := a.db.Stats(c.Request().Context(), shop, from, to)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, statsAsJSON(shop, from, to, stats))
}

func statsAsJSON(shop string, from, to time.Time, stats postgres.Stats) statsJSON {
	j := statsJSON{
		Shop: orNull(shop), From: from, To: to,
		Carts: cartCountsJSON{
			Watching:  stats.Carts[cart.Watching],
			Waiting:   stats.Carts[cart.Waiting],
			Ready:     stats.Carts[cart.Ready],
			Calling:   stats.Carts[cart.Calling],
			Purchased: stats.Carts[cart.Purchased],
			Stopped:   stats.Carts[cart.Stopped],
		},
		Reasons:  stats.Reasons,
		Calls:    stats.Calls,
		Answered: stats.Answered,
		Outcomes: outcomeCountsJSON{
			Completed: stats.Outcomes[cart.Completed],
			Voicemail: stats.Outcomes[cart.Voicemail],
			NoAnswer:  stats.Outcomes[cart.NoAnswer],
			Busy:      stats.Outcomes[cart.Busy],
			Failed:    stats.Outcomes[cart.Failed],
			Timeout:   stats.Outcomes[cart.Timeout],
			Aborted:   stats.Outcomes[cart.Aborted],
			Skipped:   stats.Outcomes[cart.Skipped],
			Invalid:   stats.Outcomes[cart.Invalid],
			Lost:      stats.Outcomes[cart.Lost],
		},
		Purchases:      make([]purchasesJSON, len(stats.Purchases)),
		Arms:           make([]armJSON, len(stats.Arms)),
		AbandonReasons: make([]abandonReasonJSON, len(stats.AbandonReasons)),
		Offers: offersJSON{
			Offered:     stats.Offered(),
			Mentioned:   stats.Mentioned(),
			Accepted:    stats.Offers[cart.OfferAccepted],
			Unmentioned: stats.Offers[cart.OfferUnmentioned],
		},
	}
	for i, r := range stats.AbandonReasons {
		j.AbandonReasons[i] = abandonReasonJSON{
			Reason: r.Reason, Calls: r.Calls, Share: inFourDecimals(float64(r.Calls) / float64(stats.WithReason())),
		}
	}
	for i, p := range stats.Purchases {
		j.Purchases[i] = purchasesJSON{
			Attribution: orNull(p.Attribution), Currency: orNull(p.Currency),
			Revenue: wording.Amount(p.Gross, p.Currency), sumJSON: sumAsJSON(p.Sum, p.Currency),
			CashOnDelivery: sumAsJSON(p.CashOnDelivery, p.Currency),
		}
	}
	for i, a := range stats.Arms {
		j.Arms[i] = armJSON{
			Arm: a.Arm, Carts: a.Carts, Purchased: a.Purchased, Cancelled: a.Cancelled, Conversion: conversion(a),
			Amounts: make([]armAmountJSON, len(a.Amounts)),
		}
		for k, amount := range a.Amounts {
			j.Arms[i].Amounts[k] = armAmountJSON{
				Currency: orNull(amount.Currency), sumJSON: sumAsJSON(amount.Sum, amount.Currency),
				NetPerCart: wording.Amount(a.PerCart(amount), amount.Currency),
			}
		}
	}
	return j
}

// conversion is the share of an arm's carts that were bought; an arm always has carts.
func conversion(a postgres.Arm) float64 {
	return inFourDecimals(float64(a.Purchased) / float64(a.Carts))
}

func inFourDecimals(f float64) float64 { return math.Round(f*10_000) / 10_000 }
