// Package internal holds the parts of chaperone. How they hang together:
//
//	source    -> reload -> varnishd (through vcl, varnishcli) and ghost (ghost.json, HTTP)
//	supervise -> reload: varnishd is up, its child was restarted, it is gone
//	reload    -> tlsterm: listeners and certificates
//	all       -> status (what runs), ready (what is missing), metrics
//
// Interfaces towards the outer edge of the pod (proxy, tlsterm, admin, health, metrics, accesslog):
//
//	tlsterm.Terminator.Update(listeners, certificates) gives the certificates that could not be used
//	proxy.Server.Serve(ctx, listener, endpoint, tlsterm.Terminator) takes connections, and its loops (eventloop)
//	  copy their bytes
//	admin.Handler reads *status.Board and calls func(ctx, source []byte) (message string, err error)
//	  to check VCL: an empty message means that it compiles, err that it could not be checked
//	health.Handler reads *ready.Tasks
//	metrics.New reads *status.Board; further events reach it through the small interfaces that
//	  supervise and reload declare
package internal
