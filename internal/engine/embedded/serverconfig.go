package embedded

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/common/testing/freeport"
	"go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	clusterName = "active"
	// clusterID only has to be a UUID and to stay the same; no embedded cluster ever meets another.
	clusterID = "5f6c1d2e-8a0b-4a53-9a55-6f2f3f3b9c11"
	loopback  = "127.0.0.1"
	disabled  = "disabled"
	// pollRPS replaces the 20 polls a second of each queue on the one history shard, which would make every step of a
	// workflow wait up to 50 ms for the next poll.
	pollRPS = 5000
)

// tuning fits the limits, made for a shared cluster, to one machine with one tenant.
var tuning = map[dynamicconfig.Key]any{
	dynamicconfig.TransferProcessorMaxPollRPS.Key():   pollRPS,
	dynamicconfig.TimerProcessorMaxPollRPS.Key():      pollRPS,
	dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): pollRPS,
	dynamicconfig.OutboundProcessorMaxPollRPS.Key():   pollRPS,
	dynamicconfig.FrontendPersistenceMaxQPS.Key():     10_000,
	dynamicconfig.HistoryPersistenceMaxQPS.Key():      45_000,
	// An attribute that was added just now can be used at once.
	dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	// Nothing leaves the machine: the check would ask temporal.io for a newer version.
	dynamicconfig.EnableServerVersionCheck.Key(): false,
}

func serverConfig(dir string, frontend netip.AddrPort) *config.Config {
	address := reachable(frontend).String()
	return &config.Config{
		Global: config.Global{Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback}},
		Persistence: config.Persistence{
			DefaultStore:     sqliteplugin.PluginName,
			VisibilityStore:  sqliteplugin.PluginName,
			NumHistoryShards: 1, // can never be changed for a database; SQLite has one writer anyway
			DataStores:       map[string]config.DataStore{sqliteplugin.PluginName: {SQL: sqlConfig(dir)}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address, ClusterID: clusterID},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			string(primitives.FrontendService): {RPC: config.RPC{GRPCPort: int(frontend.Port()), BindOnIP: frontend.Addr().String()}},
			string(primitives.HistoryService):  internalService(),
			string(primitives.MatchingService): internalService(),
			string(primitives.WorkerService):   internalService(),
		},
		PublicClient: config.PublicClient{HostPort: address},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
		}},
	}
}

func sqlConfig(dir string) *config.SQL {
	return &config.SQL{
		PluginName:        sqliteplugin.PluginName,
		DatabaseName:      databasePath(dir),
		ConnectAttributes: map[string]string{"mode": "rw", "journal_mode": "wal", "synchronous": "full"},
	}
}

func internalService() config.Service {
	return config.Service{RPC: config.RPC{GRPCPort: freeport.MustGetFreePort(), BindOnIP: loopback}}
}

// staticHosts spare the server the gossip by which the hosts of a cluster find each other.
func staticHosts(cfg *config.Config, frontend netip.AddrPort) map[primitives.ServiceName]static.Hosts {
	hosts := map[primitives.ServiceName]static.Hosts{}
	for name, service := range cfg.Services {
		hosts[primitives.ServiceName(name)] = static.SingleLocalHost(net.JoinHostPort(loopback, strconv.Itoa(service.RPC.GRPCPort)))
	}
	hosts[primitives.FrontendService] = static.SingleLocalHost(reachable(frontend).String())
	return hosts
}

// createNamespace writes the namespace into the database before the server starts, so that the server knows it from
// its first moment; an existing one stays as it is.
func createNamespace(cfg *config.Config, options Options) error {
	attributes := map[string]enumspb.IndexedValueType{}
	for _, key := range options.SearchAttributes {
		attributes[key.GetName()] = key.GetValueType()
	}
	namespace, err := sqlite.NewNamespaceConfig(clusterName, options.Namespace, false, attributes)
	if err != nil {
		return fmt.Errorf("configure namespace %s: %w", options.Namespace, err)
	}
	namespace.Detail.Config.Retention = durationpb.New(options.Retention)
	if err := sqlite.CreateNamespaces(cfg.Persistence.DataStores[sqliteplugin.PluginName].SQL, namespace); err != nil {
		return fmt.Errorf("create namespace %s: %w", options.Namespace, err)
	}
	return nil
}
