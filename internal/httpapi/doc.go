// Package httpapi is the HTTP edge: it serves the contract in api/openapi.yaml
// with Gin, from handlers generated to it.
//
// A request passes, in this order: a request ID, recovery from panics and
// measuring (observe.go), the caller's role (admit.go, against the one table in
// access.go), the contract's rules for parameters and body (validate.go), and
// only then a handler, which speaks in the nouns of package emergency. Every
// refusal on the way ends in one function (problem.go), which makes it a problem
// document (RFC 9457) and never shows an inner error.
//
// openapi.gen.go is made by oapi-codegen, see oapi-codegen.yaml.
//
//nolint:godoclint // the generated file has a package comment of its own
package httpapi
