package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	namespacepb "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"
)

// probeInterval is short against the second that a start takes.
const probeInterval = 10 * time.Millisecond

func (s *Server) awaitReady(ctx context.Context, options Options) error {
	c, err := client.NewLazyClient(client.Options{
		HostPort:  s.Addr(),
		Namespace: options.Namespace,
		Logger:    sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return fmt.Errorf("make client for embedded Temporal: %w", err)
	}
	defer c.Close()
	if err := until(ctx, func() error { return historyAnswers(ctx, c, options.Namespace) }); err != nil {
		return fmt.Errorf("wait for embedded Temporal: %w", err)
	}
	if err := keepFor(ctx, c, options); err != nil {
		return err
	}
	if s.ui == nil {
		return nil
	}
	if err := until(ctx, func() error { return pageAnswers(ctx, "http://"+s.UIAddr()+"/namespaces") }); err != nil {
		return fmt.Errorf("wait for the Temporal Web UI: %w", err)
	}
	return nil
}

// until repeats a check until it passes or the context ends.
func until(ctx context.Context, check func() error) error {
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last answer: %w)", ctx.Err(), err)
		case <-time.After(probeInterval):
		}
	}
}

// historyAnswers asks for a workflow that does not exist: to know that, the namespace must be loaded and its history
// shard must have been taken over from the process that had it before.
func historyAnswers(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.WorkflowService().DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: namespace,
		Execution: &commonpb.WorkflowExecution{WorkflowId: "nobody"},
	})
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return nil
	}
	return err //nolint:wrapcheck // the callers say what it was for
}

// keepFor applies a changed retention to a namespace that was made with another one.
func keepFor(ctx context.Context, c client.Client, options Options) error {
	service := c.WorkflowService()
	namespace, err := service.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: options.Namespace})
	if err != nil {
		return fmt.Errorf("describe namespace %s: %w", options.Namespace, err)
	}
	if namespace.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration() == options.Retention {
		return nil
	}
	_, err = service.UpdateNamespace(ctx, &workflowservice.UpdateNamespaceRequest{
		Namespace: options.Namespace,
		Config:    &namespacepb.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(options.Retention)},
	})
	if err != nil {
		return fmt.Errorf("keep closed workflows of namespace %s for %s: %w", options.Namespace, options.Retention, err)
	}
	return nil
}

func pageAnswers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("make request for %s: %w", url, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("get page: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only its status matters
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s", url, response.Status)
	}
	return nil
}
