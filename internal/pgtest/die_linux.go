package pgtest

import "syscall"

// dieWithParent has the kernel end the server at once when the test process ends
// in a way that lets it do nothing more: killed, or out of time.
func dieWithParent(attributes *syscall.SysProcAttr) *syscall.SysProcAttr {
	attributes.Pdeathsig = syscall.SIGQUIT
	return attributes
}
