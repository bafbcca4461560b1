package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// EnsureSearchAttributes adds to the namespace those of the keys that it lacks, and returns when workflows can be
// started with them. It may be called at every start and by several processes at once. A key that exists with another
// type is an error: Temporal cannot change it, a person must.
//
// The wait is needed because Temporal refuses an attribute for some seconds after it was added (a minute at most, with
// Elasticsearch); the context ends it.
func EnsureSearchAttributes(ctx context.Context, c client.Client, namespace string, keys ...temporal.SearchAttributeKey) error {
	missing, err := missingAttributes(ctx, c, namespace, keys)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if err := addAttributes(ctx, c, namespace, missing); err != nil {
			return err
		}
	}
	return awaitAttributes(ctx, c, namespace, keys)
}

func missingAttributes(
	ctx context.Context, c client.Client, namespace string, keys []temporal.SearchAttributeKey,
) (map[string]enumspb.IndexedValueType, error) {
	listed, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, key := range keys {
		have, exists := listed.GetCustomAttributes()[key.GetName()]
		switch {
		case !exists:
			missing[key.GetName()] = key.GetValueType()
		case have != key.GetValueType():
			return nil, fmt.Errorf("search attribute %s in namespace %s is of type %s, Lifeline needs %s: remove it, or use another namespace",
				key.GetName(), namespace, have, key.GetValueType())
		}
	}
	return missing, nil
}

// addAttributes forgives an error when another process has added the same ones meanwhile.
func addAttributes(ctx context.Context, c client.Client, namespace string, missing map[string]enumspb.IndexedValueType) error {
	_, addErr := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace:        namespace,
		SearchAttributes: missing,
	})
	if addErr == nil {
		return nil
	}
	var names []string
	listed, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	for name, valueType := range missing {
		if err != nil || listed.GetCustomAttributes()[name] != valueType {
			names = append(names, fmt.Sprintf("%s (%s)", name, valueType))
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return fmt.Errorf("add search attributes to namespace %s: %w; where Lifeline may not add them, an operator must: %s",
		namespace, addErr, strings.Join(names, ", "))
}

// awaitAttributes asks for something that cannot exist, by all the keys, until the frontend knows them.
func awaitAttributes(ctx context.Context, c client.Client, namespace string, keys []temporal.SearchAttributeKey) error {
	var terms []string
	for _, key := range keys {
		terms = append(terms, key.GetName()+" IS NULL")
	}
	query := strings.Join(append(terms, "WorkflowId = ''"), " AND ")
	for {
		_, err := c.WorkflowService().CountWorkflowExecutions(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		if err == nil {
			return nil
		}
		if _, notYet := errors.AsType[*serviceerror.InvalidArgument](err); !notYet {
			return fmt.Errorf("ask namespace %s for its search attributes: %w", namespace, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for search attributes of namespace %s: %w (last answer: %w)", namespace, ctx.Err(), err)
		case <-time.After(probeInterval):
		}
	}
}
