package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	// version is the one of the form that lines have; a file begins with it.
	version = 1
	// A line is a checksum of all that follows, the payload's length, the time, and the
	// payload. The first three are as long in every line.
	lineForm  = "%010d %s %s"
	stampForm = "2006-01-02T15:04:05.000000Z"
	sumSize   = 8
	lengthAt  = sumSize + 1
	stampAt   = lengthAt + 10 + 1
	payloadAt = stampAt + len(stampForm) + 1
)

// headerSize is the length of a header, which is always the same.
var headerSize = int64(len(header(0)))

// record is a line of a file.
type record struct {
	at      time.Time
	payload []byte
	// start and end are where the line is in its file, its newline included.
	start, end int64
}

// piece is a part of a file that is no record.
type piece struct{ start, end int64 }

func (p piece) size() int { return int(p.end - p.start) }

// line gives a record its form.
func line(at time.Time, payload []byte) []byte {
	said := fmt.Appendf(nil, lineForm, len(payload), at.UTC().Format(stampForm), payload)
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(said, castagnoli), said)
}

// parse reads the record that text begins with. The length alone says where it ends, so
// that a damaged newline costs nothing.
func parse(text []byte) (r record, ok bool) {
	if len(text) < payloadAt {
		return record{}, false
	}
	sum, errSum := strconv.ParseUint(string(text[:sumSize]), 16, 32)
	length, errLength := strconv.ParseUint(string(text[lengthAt:stampAt-1]), 10, 32)
	at, errStamp := time.Parse(stampForm, string(text[stampAt:payloadAt-1]))
	end := payloadAt + int(length)
	if errors.Join(errSum, errLength, errStamp) != nil || end > len(text) ||
		crc32.Checksum(text[lengthAt:end], castagnoli) != uint32(sum) {
		return record{}, false
	}
	return record{at: at, payload: bytes.Clone(text[payloadAt:end]), end: int64(end) + 1}, true
}

// head is what the first line of a file says.
type head struct {
	Journal int `json:"journal"`
	// Taken is where the records begin that have not been applied.
	Taken int64 `json:"taken"`
}

func header(taken int64) []byte {
	return line(time.Now(), fmt.Appendf(nil, `{"journal":%d,"taken":%14d}`, version, taken))
}

// content is what a file was found to hold.
type content struct {
	head    head
	records []record
	// bad are the pieces that are no records although they may have been.
	bad []piece
	// torn is the last piece when nobody can have been told that it is a record.
	torn piece
	// used is where the zeros at the end begin.
	used int64
}

// read finds the records of a file. Zeros are space that is not used, wherever they are;
// what is neither goes up to the next newline or zero.
func read(text []byte) (content, error) {
	var c content
	text = bytes.TrimRight(text, "\x00")
	c.used = int64(len(text))
	first, ok := parse(text)
	ok = ok && json.Unmarshal(first.payload, &c.head) == nil && c.head.Journal > 0
	if !ok {
		c.head = head{} // what was applied may come again, and nothing is lost
	} else if c.head.Journal != version {
		return content{}, fmt.Errorf("the journal has version %d, not %d", c.head.Journal, version)
	}
	c.find(text, max(headerSize, c.head.Taken))
	return c, nil
}

func (c *content) find(text []byte, from int64) {
	for from < c.used {
		if text[from] == 0 || text[from] == '\n' {
			from++
			continue
		}
		if r, ok := parse(text[from:]); ok {
			r.start, r.end = from, from+r.end
			c.records = append(c.records, r)
			from = r.end
			continue
		}
		length := bytes.IndexAny(text[from:], "\n\x00")
		if length < 0 {
			c.torn = piece{from, c.used}
			return
		}
		c.bad = append(c.bad, piece{from, from + int64(length)})
		from += int64(length)
	}
}
