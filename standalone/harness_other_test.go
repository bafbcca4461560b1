//go:build !linux

package main

import (
	"errors"
	"syscall"
)

// dieWithParent has no means for it here: a killed test binary leaves its
// processes behind.
func dieWithParent() *syscall.SysProcAttr { return nil }

// mountMemory has no counterpart here.
func mountMemory(string, string) error { return errors.ErrUnsupported }

func unmount(string) error { return errors.ErrUnsupported }
