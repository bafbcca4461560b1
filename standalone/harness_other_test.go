//go:build !linux

package main

import "syscall"

// dieWithParent has no means for it here: a killed test binary leaves its
// processes behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
