package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"lifeline/internal/emergency"
)

// routedNumber is a number in a voice routing: agents call customers from it, and are
// called back on it.
type routedNumber struct {
	// field is where it stands, such as trunks.0.numbers.3.
	field, number string
	// what completes "it is …".
	what string
}

// numbers are all that a voice routing names.
func (d routingDocument) numbers() []routedNumber {
	var all []routedNumber
	for i, offer := range d.DirectOffers {
		all = append(all, routedNumber{fmt.Sprintf("directOffers.%d.number", i), offer.Number, "a direct offer of the voice routing"})
	}
	for i, trunk := range d.Trunks {
		for j, number := range trunk.Numbers {
			all = append(all, routedNumber{
				fmt.Sprintf("trunks.%d.numbers.%d", i, j), number, "a number of trunk " + string(trunk.TrunkID),
			})
		}
	}
	for i, profile := range d.OutboundProfiles {
		for j, number := range profile.Numbers {
			all = append(all, routedNumber{
				fmt.Sprintf("outboundProfiles.%d.numbers.%d", i, j), number,
				"a number of outbound profile " + profile.ProfileID,
			})
		}
	}
	return all
}

// routed is the use as a number of the voice routing. In one that cannot be read there
// are none.
func (t tx) routed(ctx context.Context, number string) (string, error) {
	document, err := t.keptRouting(ctx)
	for _, each := range document.numbers() {
		if each.number == number {
			return each.what, err
		}
	}
	return "", err
}

func (t tx) keptRouting(ctx context.Context) (routingDocument, error) {
	var (
		text     string
		document routingDocument
	)
	if err := t.scan(ctx, &text, `SELECT document FROM voice_routing`); err != nil {
		return document, err
	}
	if json.Unmarshal([]byte(text), &document) != nil {
		return routingDocument{}, nil // an administrator is about to mend it
	}
	return document, nil
}

// routingApart refuses numbers of a voice routing as far as they are new: what was kept
// before there was such a rule may be kept again.
//
// A direct offer is a number of the country whose emergency services answer for it. No
// number that agents call customers from is in a pool: a customer who calls back would be
// put through to whoever has called for help, and the emergency service to a queue. The
// standing number of a site may be one of them, and as a rule is: it calls out over a
// line of its own, and is the site's main number between emergencies.
func (t tx) routingApart(ctx context.Context, document routingDocument, now time.Time) error {
	kept, err := t.keptRouting(ctx)
	if err != nil {
		return err
	}
	offered := map[offerDocument]bool{}
	for _, offer := range kept.DirectOffers {
		offered[offer] = true
	}
	for i, offer := range document.DirectOffers {
		if offered[offer] {
			continue
		}
		if err := numberOf(fmt.Sprintf("directOffers.%d.number", i), offer.Number, offer.Country); err != nil {
			return err
		}
	}
	known := map[string]bool{}
	for _, each := range kept.numbers() {
		known[each.number] = true
	}
	var added []routedNumber
	for _, each := range document.numbers() {
		if known[each.number] {
			continue
		}
		if err := emergency.CheckWhole(each.field, each.number); err != nil {
			return err //nolint:wrapcheck // the domain's own words
		}
		added = append(added, each)
	}
	return t.notLeasable(ctx, added, now)
}

// askedAtOnce is how many numbers one query looks for: the whole voice routing may name
// many thousands.
const askedAtOnce = 100

// notLeasable refuses the first of the numbers that is in a pool.
func (t tx) notLeasable(ctx context.Context, numbers []routedNumber, now time.Time) error {
	for len(numbers) > 0 {
		some := numbers[:min(askedAtOnce, len(numbers))]
		numbers = numbers[len(some):]
		pooled, err := t.inPools(ctx, some)
		if err != nil {
			return err
		}
		for _, each := range some {
			if !pooled[each.number] {
				continue
			}
			if err := (field{each.field, each.number}).apart(ctx, t.leasable(now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// inPools are those of some numbers that are in a pool. There is one statement, however
// many there are.
func (t tx) inPools(ctx context.Context, some []routedNumber) (map[string]bool, error) {
	places, args := make([]string, askedAtOnce), make([]any, askedAtOnce)
	for i := range places {
		places[i], args[i] = fmt.Sprintf("$%d", i+1), some[min(i, len(some)-1)].number
	}
	pooled := map[string]bool{}
	_, err := collect(ctx, t, func(rows *sql.Rows) (struct{}, error) {
		number, err := scanString[string](rows)
		pooled[number] = true
		return struct{}{}, err
	}, `SELECT number FROM callback_numbers WHERE number IN (`+strings.Join(places, ", ")+`)`, args...)
	return pooled, err
}
