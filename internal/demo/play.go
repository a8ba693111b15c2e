package demo

import (
	"context"
	"time"

	"ringback/internal/app"
	"ringback/internal/cart"
	"ringback/internal/postgres"
	"ringback/internal/sim/simshop"
	"ringback/internal/wording"

	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"
)

// look is how often the story looks whether a cart has come to where it waits for it.
const look = 150 * time.Millisecond

// play lets everybody shop. It returns when every cart of the story has come to its end.
func play(ctx context.Context, a *app.App, shop *simshop.Shop, c *cast, tell *teller) error {
	stage := &stage{db: a.DB, shop: shop, cast: c, tell: tell}
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range c.people {
		group.Go(func() error {
			if err := pause(ctx, time.Duration(i)*400*time.Millisecond); err != nil {
				return err
			}
			stage.abandon(p)
			switch p.name {
			case "Asha":
				if err := stage.buysAfter(ctx, p, cart.Stopped); err != nil {
					return err
				}
				return stage.refunds(ctx, p, decimal.NewFromInt(400))
			case "Kavya":
				return stage.buysAfter(ctx, p, cart.Stopped)
			case "Rohan":
				if err := pause(ctx, 2*time.Second); err != nil {
					return err
				}
				return stage.buys(ctx, p)
			case "Meera":
				return stage.buysAfter(ctx, p, cart.Stopped, "COMEBACK10")
			case "Vikram":
				return stage.reaches(ctx, p, cart.Stopped)
			}
			return stage.reaches(ctx, p, cart.Watching)
		})
	}
	return group.Wait()
}

type stage struct {
	db   *postgres.DB
	shop *simshop.Shop
	cast *cast
	tell *teller
}

// abandon fills a checkout in and leaves it.
func (s *stage) abandon(p *person) {
	token := s.shop.NewCheckout(func(c *cart.Checkout) {
		c.Email = p.email
		c.Customer.FirstName, c.Customer.LastName = p.name, p.last
		c.Items = p.items
	})
	s.cast.shops(p, token)
	s.shop.Update(token, func(c *cart.Checkout) {
		c.Shipping = &cart.Address{
			FirstName: p.name, LastName: p.last, Name: p.name + " " + p.last, Address1: "12 Lake View Road", City: "Bengaluru",
			Province: "Karnataka", ProvinceCode: "KA", Country: "India", CountryCode: "IN", Zip: "560034", Phone: p.phone,
		}
		if p.consents {
			c.Attributes = map[string]string{"automated_calls": "yes"}
		}
	})
	s.tell.shopper(p, "leaves a checkout behind")
}

// buysAfter waits until the cart was called and came to a state, and then buys.
func (s *stage) buysAfter(ctx context.Context, p *person, state cart.State, codes ...string) error {
	if err := s.reaches(ctx, p, state); err != nil {
		return err
	}
	if err := pause(ctx, 1500*time.Millisecond); err != nil {
		return err
	}
	return s.buys(ctx, p, codes...)
}

func (s *stage) buys(ctx context.Context, p *person, codes ...string) error {
	if _, err := s.shop.Buy(p.token, codes...); err != nil {
		return err
	}
	what := "buys"
	if len(codes) > 0 {
		what += " with " + codes[0]
	}
	s.tell.shopper(p, what)
	return s.reaches(ctx, p, cart.Purchased)
}

// refunds gives back a part of what somebody bought, and waits until that is known.
func (s *stage) refunds(ctx context.Context, p *person, amount decimal.Decimal) error {
	order, err := s.shop.Buy(p.token)
	if err != nil {
		return err
	}
	s.shop.Refund(order.ID, amount)
	s.tell.shopper(p, "is given back "+wording.Money(amount, order.Currency))
	return s.waits(ctx, p, func(c *cart.Cart) bool { return c.Order != nil && c.Order.Refunded.Equal(amount) })
}

// reaches waits until the person's cart is in a state.
func (s *stage) reaches(ctx context.Context, p *person, state cart.State) error {
	return s.waits(ctx, p, func(c *cart.Cart) bool { return c.State == state })
}

func (s *stage) waits(ctx context.Context, p *person, done func(*cart.Cart) bool) error {
	for {
		c, err := s.db.CartByToken(ctx, shopDomain, p.token)
		if err == nil && done(&c.Cart) {
			return nil
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
