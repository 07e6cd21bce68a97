// Command operator keeps the cluster as its Gateways and HTTPRoutes say.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/zapr"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1alpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/controller"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/version"
)

// stopTime is how long what is under way may take when the operator is told to stop.
const stopTime = 20 * time.Second

func main() {
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(2)
	case o.version:
		fmt.Println(version.Version())
		return
	}
	log, err := newLogger(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
	// The Go runtime's own limit (GOMEMLIMIT): nine tenths of the container's.
	if _, err := memlimit.Set(); err != nil {
		log.Info("the container's memory limit is not known", zap.Error(err))
	}
	ctx := ctrl.SetupSignalHandler()
	err = run(ctx, o, log)
	if errors.Is(err, controller.ErrDefinitionsChanged) {
		err = restart(ctx, log)
	}
	if err != nil {
		log.Error("operator failed", zap.Error(err))
		os.Exit(1)
	}
	log.Info("stopped")
}

// restart replaces the process by a fresh one, and returns only where that fails or ctx has ended, by a signal to stop. A process
// that ended would be started again as well, but taken for one that crashes: an upgrade of several definitions could wait minutes for it.
func restart(ctx context.Context, log *zap.Logger) error {
	// From here on such a signal ends the process as it is: a handler would forget it.
	signal.Reset()
	if ctx.Err() != nil {
		return nil
	}
	log.Info("restarting with the definitions that are installed now")
	path, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the operator's own binary: %w", err)
	}
	if err := syscall.Exec(path, os.Args, os.Environ()); err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	return nil
}

func newLogger(o options) (*zap.Logger, error) {
	config := zap.NewProductionConfig()
	config.Level = zap.NewAtomicLevelAt(o.logLevel)
	config.DisableStacktrace = true
	log, err := config.Build()
	if err != nil {
		return nil, fmt.Errorf("make the log: %w", err)
	}
	ctrl.SetLogger(zapr.NewLogger(log))
	klog.SetLogger(zapr.NewLogger(log.Named("client-go")))
	return log, nil
}

// run works until ctx ends.
func run(ctx context.Context, o options, log *zap.Logger) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	config.UserAgent = "varnish-gateway-operator/" + version.Version()
	scheme := newScheme()
	installed, err := discover(ctx, config, scheme, o.healthAddress, log)
	if err != nil || ctx.Err() != nil {
		return err
	}
	log.Info("starting", zap.String("version", version.Version()), zap.Any("installed", installed))
	mgr, err := newManager(config, scheme, o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	store, err := controller.Setup(ctx, mgr, controller.Options{
		GatewayImage: o.gatewayImage, Inputs: o.inputs(), Installed: installed, InvalidationAPI: o.invalidation,
	}, log)
	if err != nil {
		return err
	}
	err = mgr.Start(ctx)
	cancel()
	store.Wait()
	return err
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(gatewayv1.Install(scheme))
	utilruntime.Must(gatewayv1beta1.Install(scheme))
	utilruntime.Must(gatewayv1alpha3.Install(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

func newManager(config *rest.Config, scheme *runtime.Scheme, o options) (manager.Manager, error) {
	grace := stopTime
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         gather.CacheOptions(),
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              o.leaseName,
		LeaderElectionNamespace:       o.namespace,
		LeaderElectionReleaseOnCancel: true,
		HealthProbeBindAddress:        o.healthAddress,
		Metrics:                       metricsserver.Options{BindAddress: o.metrics},
		GracefulShutdownTimeout:       &grace,
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	ready := func(r *http.Request) error {
		if !mgr.GetCache().WaitForCacheSync(r.Context()) {
			return errors.New("the caches are not filled yet")
		}
		return nil
	}
	return mgr, errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("caches", ready))
}
