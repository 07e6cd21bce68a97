package apply

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// writes counts what was really written, so that a restart can be seen to write nothing.
var writes = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "varnish_gateway_operator_writes_total",
	Help: "Writes to the API server, by kind of object and by what was done (apply, patch, status, delete, finalizer).",
}, []string{"kind", "operation"})

func init() { metrics.Registry.MustRegister(writes) }

func count(object client.Object, operation string) {
	Count(object.GetObjectKind().GroupVersionKind().Kind, operation)
}

// Count notes a write that was done elsewhere.
func Count(kind, operation string) { writes.WithLabelValues(kind, operation).Inc() }
