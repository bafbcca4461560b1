package main

import "syscall"

// dieWithParent has the kernel end a process under test when the test binary ends
// in a way that lets it do nothing more: killed, or out of time.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// mountMemory puts a disk that lives in memory on a directory. Only root may.
func mountMemory(dir, options string) error {
	return syscall.Mount("lifeline-test", dir, "tmpfs", 0, options)
}

func unmount(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
