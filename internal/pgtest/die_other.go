//go:build unix && !linux

package pgtest

import "syscall"

// dieWithParent has no counterpart here: a killed test process leaves its server.
func dieWithParent(attributes *syscall.SysProcAttr) *syscall.SysProcAttr { return attributes }
