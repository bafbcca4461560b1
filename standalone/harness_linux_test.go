package main

import "syscall"

// dieWithParent has the kernel end a process under test when the test binary ends
// in a way that lets it do nothing more: killed, or out of time.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
