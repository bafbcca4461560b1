package process

import (
	"errors"
	"testing"
	"time"

	"lifeline/internal/httpapi"

	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A dial works fully if a worker takes new calls: one of the build that is current, or
// without a current build one that has no build ID, and that has been heard of lately (S11).
func TestTakesNewCalls(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	poller := func(build string, ago time.Duration) *taskqueuepb.PollerInfo {
		is := &deploymentpb.WorkerDeploymentOptions{
			DeploymentName: deploymentName, BuildId: build, WorkerVersioningMode: enumspb.WORKER_VERSIONING_MODE_VERSIONED,
		}
		if build == "" { // the SDK then says what the program is
			is = &deploymentpb.WorkerDeploymentOptions{BuildId: "0123456789abcdef", WorkerVersioningMode: enumspb.WORKER_VERSIONING_MODE_UNVERSIONED}
		}
		return &taskqueuepb.PollerInfo{LastAccessTime: timestamppb.New(now.Add(-ago)), DeploymentOptions: is}
	}
	stranger := poller("2.0", 0)
	stranger.DeploymentOptions.DeploymentName = "another"
	old := poller("", 0)
	old.DeploymentOptions = nil
	const nobody = "no worker is taking calls from the task queue"
	for name, c := range map[string]struct {
		current string
		pollers []*taskqueuepb.PollerInfo
		want    string
	}{
		"nobody":                      {"", nil, nobody},
		"nobody of a build":           {"2.0", nil, nobody},
		"a worker without build IDs":  {"", []*taskqueuepb.PollerInfo{poller("", time.Minute)}, ""},
		"one that says nothing of it": {"", []*taskqueuepb.PollerInfo{old}, ""},
		"one that is gone":            {"", []*taskqueuepb.PollerInfo{poller("", 75*time.Second)}, nobody},
		"the current build":           {"2.0", []*taskqueuepb.PollerInfo{poller("1.0", 0), poller("2.0", time.Minute)}, ""},
		"the current build gone": {
			"2.0",
			[]*taskqueuepb.PollerInfo{poller("1.0", 0), poller("2.0", 2*time.Minute), poller("", 0)},
			"new calls go to workers of build 2.0, and there are none",
		},
		"a build of another deployment": {
			"2.0", []*taskqueuepb.PollerInfo{stranger}, "new calls go to workers of build 2.0, and there are none",
		},
		"builds and none is current": {
			"", []*taskqueuepb.PollerInfo{poller("1.0", 0)}, "new calls go to workers without a build ID, and there are none",
		},
	} {
		t.Run(name, func(t *testing.T) {
			queue := &workflowservice.DescribeTaskQueueResponse{Pollers: c.pollers}
			if c.current != "" {
				queue.VersioningInfo = &taskqueuepb.TaskQueueVersioningInfo{
					CurrentDeploymentVersion: &deploymentpb.WorkerDeploymentVersion{DeploymentName: deploymentName, BuildId: c.current},
				}
			}
			err := takesNewCalls(queue, now)
			if c.want == "" && err != nil || c.want != "" && !errors.Is(err, httpapi.NotReady(c.want)) {
				t.Errorf("it is %v, want %q", err, c.want)
			}
		})
	}
}
