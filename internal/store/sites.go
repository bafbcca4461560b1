package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lifeline/internal/emergency"
)

const selectSite = `SELECT id, name, country, address, standing_number, fallback_endpoint, final_number,
	agent_ring_seconds, fallback_ring_seconds, recipients, test_recipients, time_zone, revision FROM sites`

// Site reads one site, or gives emergency.ErrUnknownSite.
func (s *Store) Site(ctx context.Context, id emergency.SiteID) (emergency.Site, error) {
	return readSite(ctx, s.read, id)
}

func readSite(ctx context.Context, q querier, id emergency.SiteID) (emergency.Site, error) {
	sites, err := collect(ctx, q, scanSite, selectSite+` WHERE id = $1`, id)
	if err != nil {
		return emergency.Site{}, fmt.Errorf("read site: %w", err)
	}
	if len(sites) == 0 {
		return emergency.Site{}, emergency.ErrUnknownSite
	}
	return sites[0], nil
}

// Sites lists all sites by ID.
func (s *Store) Sites(ctx context.Context) ([]emergency.Site, error) {
	sites, err := collect(ctx, s.read, scanSite, selectSite+` ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list sites: %w", err)
	}
	return sites, nil
}

func scanSite(rows *sql.Rows) (emergency.Site, error) {
	var site siteRow
	if err := rows.Scan(site.columns()...); err != nil {
		return emergency.Site{}, err //nolint:wrapcheck // collect wraps
	}
	return site.site()
}

// siteRow is a site as its columns have it.
type siteRow struct {
	emergency.Site

	address                 string
	agentRing, fallbackRing int
}

func (r *siteRow) columns() []any {
	return []any{
		&r.ID, &r.Name, &r.Country, &r.address, &r.StandingNumber, &r.FallbackEndpoint, &r.FinalNumber,
		&r.agentRing, &r.fallbackRing, &r.Recipients, &r.TestRecipients, &r.TimeZone, &r.Revision,
	}
}

func (r *siteRow) site() (emergency.Site, error) {
	r.AgentRing, r.FallbackRing = time.Duration(r.agentRing)*time.Second, time.Duration(r.fallbackRing)*time.Second
	return r.Site, json.Unmarshal([]byte(r.address), &r.Address) //nolint:wrapcheck // collect wraps
}

// PutSite adds or changes a site and gives it as it is kept. Its numbers must be for
// nothing else: see siteApart.
func (s *Store) PutSite(ctx context.Context, site emergency.Site, by emergency.Change) (emergency.Site, error) {
	if err := site.Validate(); err != nil {
		return site, err //nolint:wrapcheck // the domain's own words
	}
	err := s.change(ctx, "put site", func(t tx) error {
		now := s.now()
		if err := t.checkSeen(ctx, by, `SELECT revision FROM sites WHERE id = $1`, site.ID); err != nil {
			return err
		}
		if err := t.countryStays(ctx, site, now); err != nil {
			return err
		}
		if err := t.siteApart(ctx, site, now); err != nil {
			return err
		}
		if err := t.upsertSite(ctx, site); err != nil {
			return err
		}
		var err error
		if site, err = readSite(ctx, t, site.ID); err != nil {
			return err
		}
		return t.changed(ctx, configured{
			action: "site-changed", subject: emergency.SubjectSite, name: string(site.ID), revision: site.Revision, site: site.ID,
		}, by, now)
	})
	return site, err
}

// siteApart refuses numbers of a site that are abroad or for something else, as far as
// they are new: what was kept before there was such a rule may be kept again.
//
// The standing number shows the emergency services where the caller is, and a callback
// to it must not be for somebody elsewhere (B5). Whoever answers callbacks must not be
// rung on a number that is called back itself, or the callback would go round in a
// circle (B6).
func (t tx) siteApart(ctx context.Context, site emergency.Site, now time.Time) error {
	kept, err := readSite(ctx, t, site.ID)
	if err != nil && !errors.Is(err, emergency.ErrUnknownSite) {
		return err
	}
	if site.StandingNumber != kept.StandingNumber || site.Country != kept.Country {
		if err := emergency.CheckCallback("standingNumber", site.StandingNumber); err != nil {
			return err //nolint:wrapcheck // the domain's own words
		}
		if err := numberOf("standingNumber", site.StandingNumber, site.Country); err != nil {
			return err
		}
	}
	if site.StandingNumber != kept.StandingNumber {
		standing := field{"standingNumber", site.StandingNumber}
		if err := standing.apart(ctx, t.leasable(now), t.standing(site.ID), t.answering(site.ID),
			t.calling(site.ID), t.ringing, t.shown(now, site.ID)); err != nil {
			return err
		}
	}
	var answering []field
	if site.FallbackEndpoint != kept.FallbackEndpoint {
		answering = devices("fallbackEndpoint", site.FallbackEndpoint)
	}
	if site.FinalNumber != kept.FinalNumber && site.FinalNumber != "" {
		if err := emergency.CheckWhole("finalNumber", site.FinalNumber); err != nil {
			return err //nolint:wrapcheck // the domain's own words
		}
		answering = append(answering, field{"finalNumber", site.FinalNumber})
	}
	for _, each := range answering {
		if err := each.apart(ctx, t.leasable(now), t.standing(site.ID), t.shown(now, "")); err != nil {
			return err
		}
	}
	return nil
}

// countryStays refuses to move a site to another country while it has callback numbers:
// they are the old one's.
func (t tx) countryStays(ctx context.Context, site emergency.Site, now time.Time) error {
	var abroad int
	err := t.scan(ctx, &abroad, `SELECT COUNT(*) FROM sites s WHERE s.id = $1 AND s.country <> $2 AND (s.pool_size > 0
		OR EXISTS (SELECT 1 FROM callback_numbers n WHERE n.site_id = s.id AND n.draining AND (n.leased OR n.free_at > $3)))`,
		site.ID, site.Country, now)
	if err == nil && abroad > 0 {
		return &emergency.Invalid{Field: "country", Problem: "must stay as long as the site has callback numbers; remove them first"}
	}
	return err
}

func (t tx) upsertSite(ctx context.Context, site emergency.Site) error {
	address, err := json.Marshal(site.Address)
	if err != nil {
		return fmt.Errorf("encode address: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO sites (id, name, country, address, standing_number, fallback_endpoint,
			final_number, agent_ring_seconds, fallback_ring_seconds, recipients, test_recipients, time_zone)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, country = excluded.country, address = excluded.address,
			standing_number = excluded.standing_number, fallback_endpoint = excluded.fallback_endpoint,
			final_number = excluded.final_number, agent_ring_seconds = excluded.agent_ring_seconds,
			fallback_ring_seconds = excluded.fallback_ring_seconds, recipients = excluded.recipients,
			test_recipients = excluded.test_recipients, time_zone = excluded.time_zone,
			revision = sites.revision + 1`,
		site.ID, site.Name, site.Country, string(address), site.StandingNumber, site.FallbackEndpoint, site.FinalNumber,
		int(site.AgentRing.Seconds()), int(site.FallbackRing.Seconds()), site.Recipients, site.TestRecipients, site.TimeZone)
	return err
}
