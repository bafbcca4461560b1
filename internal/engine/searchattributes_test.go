package engine

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
)

var (
	testPhase = temporal.NewSearchAttributeKeyKeyword("EmergencyPhase")
	testTest  = temporal.NewSearchAttributeKeyBool("EmergencyTest")
)

const (
	keyword = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	boolean = enumspb.INDEXED_VALUE_TYPE_BOOL
)

// Only what is missing is added, another process may add it first, and an operator is told what to do where it cannot be added.
func TestEnsureSearchAttributes(t *testing.T) {
	type types = map[string]enumspb.IndexedValueType
	all := types{"EmergencyPhase": keyword, "EmergencyTest": boolean}
	denied := serviceerror.NewPermissionDenied("not yours", "")
	tests := map[string]struct {
		operator *operator
		added    []types
		after    types
		err      string
	}{
		"all missing":      {&operator{attributes: types{}}, []types{all}, all, ""},
		"one missing":      {&operator{attributes: types{"EmergencyPhase": keyword}}, []types{{"EmergencyTest": boolean}}, all, ""},
		"none missing":     {&operator{attributes: maps.Clone(all)}, nil, all, ""},
		"another was here": {&operator{attributes: types{}, refuse: serviceerror.NewAlreadyExists("there"), raced: true}, []types{all}, all, ""},
		"not allowed": {
			&operator{attributes: types{"EmergencyPhase": keyword}, refuse: denied},
			[]types{{"EmergencyTest": boolean}},
			types{"EmergencyPhase": keyword},
			"an operator must: EmergencyTest (Bool)",
		},
		"another type": {
			&operator{attributes: types{"EmergencyPhase": enumspb.INDEXED_VALUE_TYPE_TEXT}},
			nil,
			types{"EmergencyPhase": enumspb.INDEXED_VALUE_TYPE_TEXT},
			"EmergencyPhase in namespace default is of type Text, Lifeline needs Keyword",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := startFrontend(t, test.operator)
			err := EnsureSearchAttributes(t.Context(), f.client(t, mustParse(t, NewKey())), "default", testPhase, testTest)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.added, test.operator.added); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.after, test.operator.attributes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Temporal refuses an attribute for a while after it was added; whoever starts workflows next must not meet that.
func TestEnsureSearchAttributesWaitsUntilTheyAreKnown(t *testing.T) {
	f := startFrontend(t, &operator{attributes: map[string]enumspb.IndexedValueType{}})
	f.unknownFor = 2
	if err := EnsureSearchAttributes(t.Context(), f.client(t, mustParse(t, NewKey())), "default", testPhase, testTest); err != nil {
		t.Fatal(err)
	}
	asked := "EmergencyPhase IS NULL AND EmergencyTest IS NULL AND WorkflowId = ''"
	if diff := cmp.Diff([]string{asked, asked, asked}, f.counted); diff != "" {
		t.Error(diff)
	}
}

// The wait ends with the context.
func TestEnsureSearchAttributesGivesUp(t *testing.T) {
	f := startFrontend(t, &operator{attributes: map[string]enumspb.IndexedValueType{}})
	f.unknownFor = 1000
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := EnsureSearchAttributes(ctx, f.client(t, mustParse(t, NewKey())), "default", testPhase)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
}
