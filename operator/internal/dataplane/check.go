package dataplane

// CheckState says how far a check of VCL is.
type CheckState int

// The states of a check.
const (
	// NoCheck means that there is nothing to check.
	NoCheck CheckState = iota
	// Unheard means that no pod answers that could be asked.
	Unheard
	// Checking means that a pod is compiling it.
	Checking
	// Refused means that it does not compile.
	Refused
	// TimedOut means that nobody knows, for the compiler takes too long.
	TimedOut
	// Compiles means that it does.
	Compiles
)

// Check of VCL that is not published yet.
type Check struct {
	State CheckState
	// Message of the compiler where it refuses the VCL.
	Message string
}
