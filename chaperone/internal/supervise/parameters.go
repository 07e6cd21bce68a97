package supervise

import (
	"cmp"
	"strconv"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Limits of a request, as docs/reference/limits.md has them. ghost holds requests to them, and answers 431 or 414 beyond.
// varnishd's own limits must be wider: what it refuses itself, it refuses by 400 or with the connection's end.
const (
	// maxRequestHead is what varnishd reads of a request line with its fields: half as much again as the 60 KiB that
	// ghost lets pass.
	maxRequestHead = "96k"
	// maxLines is how many header fields a message may have in varnishd: the 100 of a client, the crumbs of its
	// cookies, which HTTP/2 sends one by one (RFC 9113 section 8.2.3), and what gateway and VCL add.
	maxLines = "256"
	// overflowStatus answers a request that is larger than maxRequestHead (RFC 6585 section 5).
	overflowStatus = "431"
	// clientWorkspace holds a request's head of 60 KiB, its crumbs joined into another 60 KiB, varnishd's log buffer
	// (16 KiB), three tables of fields (13 KiB), and some 8 KiB for VCL, which has more where the request is smaller.
	clientWorkspace = "160k"
	// backendWorkspace holds the same without the crumbs.
	backendWorkspace = "128k"
)

// transitBuffer is how much of a passed answer waits in varnishd for a client that is slower than
// its backend, in the fetch door. Beyond, the backend waits. Varnish's own default has no bound.
const transitBuffer = "256k"

// HTTP/2 as browsers need it.
const (
	// resetLimit is for no bound on the streams that a client resets: in Varnish 7.7 of Debian 13, a connection that goes
	// beyond one may end varnishd's child (issue 4396 of Varnish). Over TLS the package http2conn has a bound, and ghost
	// bounds the requests in flight.
	resetLimit = "0"
	// windowTimeout is how many seconds a client may take nothing of an answer, as while a download or a film is
	// paused: as long as over HTTP/1.1 (idle_send_timeout).
	windowTimeout = "60"
)

// CompilerFeatures is the parameter by which VCL can include files, and import modules, from vcl_path and vmod_path alone: the
// compiler's messages would show lines of any other file.
const CompilerFeatures = "vcc_feature=-unsafe_path"

// parameters of varnishd (varnishd(1)) that chaperone chooses, as values of -p.
func (o Options) parameters() []string {
	pools := o.threadPools()
	idle := cmp.Or(o.IdleTimeout, gatewaypod.DefaultIdleTimeout)
	return []string{
		"feature=+http2",
		CompilerFeatures,
		"http_max_hdr=" + maxLines,
		"http_req_size=" + maxRequestHead,
		"http_req_hdr_len=" + maxRequestHead,
		"http_req_overflow_status=" + overflowStatus,
		"workspace_client=" + clientWorkspace,
		"workspace_backend=" + backendWorkspace,
		"timeout_idle=" + strconv.FormatFloat(idle.Seconds(), 'f', -1, 64),
		"thread_pools=" + strconv.Itoa(pools),
		"thread_pool_max=" + strconv.Itoa((o.threads()+pools-1)/pools),
		"transit_buffer=" + transitBuffer,
		"h2_rapid_reset_limit=" + resetLimit,
		"h2_window_timeout=" + windowTimeout,
	}
}
