package engine

import (
	"context"
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// Converters returns the pair that client, worker and replayer must share. Everything that the SDK writes goes
// through it encrypted: arguments, results, signals, memos, summaries and details, and of an error its message,
// stack trace and details. Search attributes, IDs and the names of types are outside of it and stay readable.
func Converters(keyring *Keyring) (converter.DataConverter, converter.FailureConverter) {
	data := &dataConverter{converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), keyring)}
	failure := temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter:          data,
		EncodeCommonAttributes: true,
	})
	return data, failure
}

// dataConverter hands the workflows a converter that waits for a key instead of failing.
type dataConverter struct{ converter.DataConverter }

var _ converter.ContextAware = (*dataConverter)(nil)

// WithWorkflowContext returns the converter for workflow code.
func (c *dataConverter) WithWorkflowContext(converter.WorkflowContext) converter.DataConverter {
	return &patientConverter{c.DataConverter}
}

// WithContext returns the converter for clients and activities, where an error is simply returned or retried.
func (c *dataConverter) WithContext(context.Context) converter.DataConverter { return c }

// patientConverter panics where a payload cannot be decrypted. In workflow code the SDK makes an error into the end
// of the workflow (for its input) or the silent loss of a message (for a signal), so that a worker started with the
// wrong keyring would end every emergency call that it touched. A panic fails only the workflow task, which Temporal
// offers again until a worker has the key (S11).
type patientConverter struct{ converter.DataConverter }

// FromPayload decodes one value.
func (c *patientConverter) FromPayload(payload *commonpb.Payload, value any) error {
	return waitForKey(c.DataConverter.FromPayload(payload, value))
}

// FromPayloads decodes several values.
func (c *patientConverter) FromPayloads(payloads *commonpb.Payloads, values ...any) error {
	return waitForKey(c.DataConverter.FromPayloads(payloads, values...))
}

func waitForKey(err error) error {
	if _, unknown := errors.AsType[*UnknownKeyError](err); unknown || errors.Is(err, ErrUndecipherable) {
		panic(err)
	}
	return err
}
