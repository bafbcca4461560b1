package emergency

import (
	"math"
	"time"
)

// LocationPermission is whether a browser lets the desktop know where it is, in the
// words of the W3C's Permissions API.
type LocationPermission string

// The permissions of a browser. Empty counts as granted when there is a location.
const (
	LocationGranted LocationPermission = "granted"
	LocationDenied  LocationPermission = "denied"
	LocationPrompt  LocationPermission = "prompt"
)

// Location is where the caller's device said that it was when the call was
// dialed. It may be missing: then the address of the agent's site is conveyed.
type Location struct {
	// Latitude and Longitude are in degrees, WGS 84.
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
	// Accuracy is the radius of uncertainty in metres.
	Accuracy *float64 `json:"accuracy,omitempty"`
	// Address is what the desktop knows of street, floor and room.
	Address *Address `json:"address,omitempty"`
	// CapturedAt is when the device found out; zero for just now.
	CapturedAt time.Time `json:"capturedAt,omitzero"`
	// Permission says whether the device may know where it is (S13).
	Permission LocationPermission `json:"permission,omitempty"`
}

// ReportedLocation is what a desktop has told of where it is, outside any call.
type ReportedLocation struct {
	Location

	// At is when it was told.
	At time.Time
}

// On tells whether the device may know where it is (S13).
func (l Location) On() bool { return l.Permission == "" || l.Permission == LocationGranted }

// placed tells whether the location says where anything is.
func (l Location) placed() bool {
	return l.Latitude != nil || l.Address != nil && *l.Address != Address{}
}

// abroad tells whether the location could be in another country than the site: one that
// names no more than a floor or a room is within it.
func (l Location) abroad() bool {
	return l.Latitude != nil || l.Address != nil && *l.Address != Address{Unit: l.Address.Unit}
}

// silent tells that the location says nothing at all: neither where, nor when, nor that
// it may not.
func (l Location) silent() bool { return l.On() && !l.placed() && l.CapturedAt.IsZero() }

// freshAt tells whether a location was found out lately when it was told. A time to
// come as far off as that says that the device's clock is wrong, so nobody knows how
// old the location is.
func (l Location) freshAt(told time.Time, maxAge time.Duration) bool {
	return l.CapturedAt.IsZero() || told.Sub(l.CapturedAt).Abs() <= maxAge
}

// Validate reports the first field that cannot be used, as an *Invalid.
func (l *Location) Validate() error {
	if l == nil {
		return nil
	}
	if err := l.validatePoint(); err != nil {
		return err
	}
	switch {
	case !l.On() && l.Permission != LocationDenied && l.Permission != LocationPrompt:
		return &Invalid{"location.permission", "must be granted, denied or prompt"}
	case l.CapturedAt.UTC().Year() < 0 || l.CapturedAt.UTC().Year() > 9999:
		return &Invalid{"location.capturedAt", "must lie in the years 0 to 9999"} // RFC 3339 can write no other
	}
	return nil
}

func (l *Location) validatePoint() error {
	switch {
	case l.Latitude == nil && l.Longitude != nil:
		return &Invalid{"location.latitude", comeTogether}
	case l.Latitude != nil && l.Longitude == nil:
		return &Invalid{"location.longitude", comeTogether}
	case outside(l.Latitude, 90):
		return &Invalid{"location.latitude", "must lie between -90 and 90"}
	case outside(l.Longitude, 180):
		return &Invalid{"location.longitude", "must lie between -180 and 180"}
	case l.Accuracy != nil && !(*l.Accuracy >= 0 && *l.Accuracy <= math.MaxFloat64):
		return &Invalid{"location.accuracy", "must be a radius in metres"}
	}
	return nil
}

// comeTogether completes the sentence about half a position.
const comeTogether = "is missing: latitude and longitude come together"

// outside is true of what is no number, too: JSON could not carry it.
func outside(degrees *float64, limit float64) bool {
	return degrees != nil && !(*degrees >= -limit && *degrees <= limit)
}
