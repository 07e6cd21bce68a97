package adminapi

import "time"

// Paths of the calls.
const (
	// StatusPath is answered with Status. It takes the parameters WaitParameter and AfterParameter.
	StatusPath = "/v1/status"
	// CheckPath takes VCL as the body, and is answered with Checked.
	CheckPath = "/v1/vcl/check"
	// InvalidatePath takes ghostconf.Invalidations as the body, and is answered with ghostconf.InvalidationResult once no
	// request gets what is invalidated. Since 1.4.
	InvalidatePath = "/v1/cache/invalidate"
	// CacheStatisticsPath is answered with ghostconf.CacheStatistics. Since 1.5.
	CacheStatisticsPath = "/v1/cache/statistics"
)

// Parameters of StatusPath.
const (
	// WaitParameter is how long to wait for a newer status, such as "30s".
	WaitParameter = "wait"
	// AfterParameter is the revision than which the status is to be newer.
	AfterParameter = "after"
)

// Limits of what a caller may ask for.
const (
	// MaxVCL is the longest VCL, in bytes, that is checked: what a ConfigMap can hold.
	MaxVCL = 1 << 20
	// MaxInvalidations is the longest order, in bytes, to invalidate objects.
	MaxInvalidations = 1 << 20
	// CompileWithin is how long VCL may take to compile: a pod's check gives up after that, and whoever asks for one
	// waits so long at least.
	CompileWithin = 5 * time.Minute
	// MaxWait is the longest time that a call waits for a change.
	MaxWait = 5 * time.Minute
)

// Checked is the answer to a check of VCL.
type Checked struct {
	// OK says that it compiles.
	OK bool `json:"ok"`
	// Message is the compiler's where it does not.
	Message string `json:"message,omitempty"`
	// TimedOut says that nobody knows whether it compiles, for that takes longer than CompileWithin; OK is false, and
	// Message says so. Since 1.2.
	TimedOut bool `json:"timedOut,omitempty"`
}

// Refusal is the body of every answer that is not 200.
type Refusal struct {
	// Error says what is wrong, in a sentence.
	Error string `json:"error"`
}
