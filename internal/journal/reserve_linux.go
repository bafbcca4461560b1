package journal

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// reserve gives a file its space on disk, so that a disk that fills up later does not
// hurt it. What the file holds stays.
func reserve(f *os.File, size int64) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS):
			return reserveByWriting(f, size)
		default:
			return fmt.Errorf("reserve %d bytes: %w", size, err)
		}
	}
}
