package controller

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var translationSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
	Name:    "varnish_gateway_operator_translation_seconds",
	Help:    "Time to gather and translate everything that is ours.",
	Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
})

func init() { metrics.Registry.MustRegister(translationSeconds) }
