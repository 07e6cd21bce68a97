package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

const (
	mebibyte = 1 << 20
	// DefaultStorage of the cache in bytes, where neither a size nor a small memory limit is given.
	DefaultStorage int64 = 100 * mebibyte
	// ReservedMemory in bytes is what a pod needs besides its cache: varnishd and its log, chaperone, the VCL
	// compiler.
	ReservedMemory int64 = 128 * mebibyte
	// LogSpace in bytes is the size of varnishd's log in shared memory, which is part of ReservedMemory. Its own default
	// is four times that.
	LogSpace int64 = 20 * mebibyte
	// MaxLogSpace in bytes is half of a pod's working directory, which holds compiled VCL besides the log.
	MaxLogSpace int64 = 128 * mebibyte
)

// StorageSize of the cache in bytes: what is asked for or, without that, the default or as much of it as the memory
// limit leaves room for.
func (s *GatewaySettings) StorageSize() int64 {
	if s.Storage != nil {
		return s.Storage.Size.Value()
	}
	if limit, ok := s.MemoryLimit(); ok {
		return min(DefaultStorage, max(limit-ReservedMemory, mebibyte))
	}
	return DefaultStorage
}

// MemoryLimit of the gateway container in bytes, if it has one.
func (s *GatewaySettings) MemoryLimit() (int64, bool) {
	if s.Resources == nil {
		return 0, false
	}
	limit, ok := s.Resources.Limits[corev1.ResourceMemory]
	return limit.Value(), ok
}
