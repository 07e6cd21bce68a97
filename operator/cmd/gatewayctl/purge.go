package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-logr/zapr"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/invalidation"
	"github.com/varnish-gateway/gateway/operator/internal/local"
	"github.com/varnish-gateway/gateway/operator/internal/purge"
	"github.com/varnish-gateway/gateway/operator/internal/version"
)

type purgeFlags struct {
	stateDir, kubeconfig, context, namespace string
	urls, prefixes, hosts, tags              []string
	what                                     v1alpha1.CacheInvalidation
	soft                                     bool
	timeout                                  time.Duration
}

func newPurge() *cobra.Command {
	var f purgeFlags
	cmd := &cobra.Command{
		Use:   "purge [--state-dir DIR] -n NAMESPACE (--url URL | --prefix URL | --host HOST | --tag TAG | --route NAME | --policy NAME | --all)",
		Short: "Remove objects from the caches of gateways that run",
		Long: `Purge removes what routes of a namespace have cached, and returns when no request gets the objects any more. With --soft they
become stale instead: they may be served while the backend is asked for new ones, or where it fails.

With --state-dir it does so in every gateway that "gatewayctl run" runs with this state directory. Without, it makes a
VarnishCacheInvalidation in the cluster that the kubeconfig names, waits for its end, and prints what became of it. It exits
with 1 where a gateway, or a pod, may still have the objects.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stateDir, "state-dir", "", "state directory of gatewayctl run")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file of the cluster (default that of kubectl)")
	flags.StringVar(&f.context, "context", "", "context of the kubeconfig (default the current one)")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "namespace of the routes (default that of the context, or \"default\")")
	flags.StringArrayVar(&f.urls, "url", nil, "a URL, in every variant, such as https://shop.example/a?b=c (repeated for several)")
	flags.StringArrayVar(&f.prefixes, "prefix", nil, "all URLs of the host whose path begins so, such as https://shop.example/img/ (repeated for several)")
	flags.StringArrayVar(&f.hosts, "host", nil, "everything of a host (repeated for several)")
	flags.StringArrayVar(&f.tags, "tag", nil, "objects that their backend has given this tag (repeated for several)")
	flags.StringVar(&f.what.Route, "route", "", "everything of an HTTPRoute")
	flags.StringVar(&f.what.Policy, "policy", "", "everything that a VarnishCachePolicy holds for")
	flags.BoolVar(&f.what.All, "all", false, "everything of the namespace")
	flags.BoolVar(&f.soft, "soft", false, "let objects become stale, instead of removing them")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "how long pods of a cluster that do not answer are asked again, in whole seconds")
	cmd.MarkFlagsOneRequired(subjects...)
	cmd.MarkFlagsMutuallyExclusive(subjects...)
	cmd.MarkFlagsMutuallyExclusive("state-dir", "kubeconfig")
	cmd.MarkFlagsMutuallyExclusive("state-dir", "context")
	return cmd
}

// subjects are the flags of which exactly one says what is removed.
var subjects = []string{"url", "prefix", "host", "tag", "route", "policy", "all"}

func (f purgeFlags) run(cmd *cobra.Command) error {
	spec := f.spec()
	if err := invalidation.Check(spec); err != nil {
		return err
	}
	// What cannot be carried out is told before anything is made.
	namespace := cmp.Or(f.namespace, metav1.NamespaceDefault)
	order, err := invalidation.Orders(namespace, spec.CacheInvalidation)
	if err != nil {
		return err
	}
	if f.stateDir == "" {
		return f.inCluster(cmd.Context(), cmd.OutOrStdout(), spec)
	}
	f.warn(cmd.ErrOrStderr(), namespace)
	return f.here(cmd.Context(), cmd.OutOrStdout(), order)
}

func (f purgeFlags) spec() v1alpha1.VarnishCacheInvalidationSpec {
	spec := v1alpha1.VarnishCacheInvalidationSpec{CacheInvalidation: f.what}
	spec.URLs, spec.Prefixes = typed[v1alpha1.InvalidationURL](f.urls), typed[v1alpha1.InvalidationPrefix](f.prefixes)
	spec.Hosts, spec.Tags = typed[v1alpha1.InvalidationHost](f.hosts), typed[v1alpha1.InvalidationTag](f.tags)
	if spec.Mode = v1alpha1.InvalidationHard; f.soft {
		spec.Mode = v1alpha1.InvalidationSoft
	}
	spec.ActiveDeadlineSeconds = new(int32(f.timeout / time.Second))
	return spec
}

func typed[T ~string](texts []string) []T {
	var all []T
	for _, text := range texts {
		all = append(all, T(text))
	}
	return all
}

// warn tells of names that no gateway of gatewayctl run has. They are no error: what they named may have gone.
func (f purgeFlags) warn(errs io.Writer, namespace string) {
	unknown, err := local.Unknown(f.stateDir, namespace, f.what.Route, f.what.Policy)
	if err != nil {
		unknown = fmt.Sprintf("it is not known whether a gateway has what is named: %v", err)
	}
	if unknown != "" {
		fmt.Fprintln(errs, "warning:", unknown)
	}
}

// here purges the gateways of gatewayctl run.
func (f purgeFlags) here(ctx context.Context, out io.Writer, order []byte) error {
	purged, err := local.Purge(ctx, f.stateDir, order)
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range purged {
		if p.Err != nil {
			failed = append(failed, fmt.Errorf("on Gateway %s: %w", p.Gateway, p.Err))
			continue
		}
		if _, err := fmt.Fprintf(out, "Gateway %s: done\n", p.Gateway); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// inCluster purges the Gateways of a cluster.
func (f purgeFlags) inCluster(ctx context.Context, out io.Writer, spec v1alpha1.VarnishCacheInvalidationSpec) error {
	cluster, namespace, err := f.connect()
	if err != nil {
		return err
	}
	object, err := purge.Run(ctx, cluster, namespace, spec)
	if object != nil {
		if err := printGateways(out, object.Status.Gateways); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	complete := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.InvalidationComplete)
	if meta.IsStatusConditionTrue(object.Status.Conditions, v1alpha1.InvalidationFailed) {
		return fmt.Errorf("VarnishCacheInvalidation %s/%s: %s", object.Namespace, object.Name, complete.Message)
	}
	_, err = fmt.Fprintln(out, complete.Message)
	return err
}

func printGateways(out io.Writer, gateways []v1alpha1.InvalidatedGateway) error {
	for _, g := range gateways {
		text := fmt.Sprintf("Gateway %s/%s: %d of %d pods done", g.Namespace, g.Name, g.Pods.Done, g.Pods.Asked)
		if g.Pods.Gone > 0 {
			text += fmt.Sprintf(", the cache of %d gone", g.Pods.Gone)
		}
		for _, failure := range g.Failures {
			text += fmt.Sprintf("\n  pod %s: %s", failure.Pod, failure.Message)
		}
		if _, err := fmt.Fprintln(out, text); err != nil {
			return err
		}
	}
	return nil
}

// connect finds the cluster and the namespace as kubectl does.
func (f purgeFlags) connect() (client.WithWatch, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: f.context}
	overrides.Context.Namespace = f.namespace
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("find the cluster (or give --state-dir): %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("find the namespace: %w", err)
	}
	// The library complains where nobody says what becomes of its log.
	log.SetLogger(zapr.NewLogger(zap.NewNop()))
	config.UserAgent = "gatewayctl/" + version.Version()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, "", err
	}
	cluster, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, "", fmt.Errorf("reach the cluster: %w", err)
	}
	return cluster, namespace, nil
}
