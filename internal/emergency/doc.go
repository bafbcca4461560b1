// Package emergency is the domain of Lifeline: the nouns of an emergency call
// and the rules between them, without any input or output. Everything else in
// the program meets in these types, so the package imports the standard library
// alone.
//
// References such as S3 or B1 name the numbered behaviours that Lifeline owes;
// docs/requirements.md lists them. All times are UTC and whole microseconds,
// which is what every supported database keeps.
package emergency
