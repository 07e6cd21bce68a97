package ghostconf

import "github.com/varnish-gateway/gateway/shared/contract"

// File is the name of this contract, and of the file in varnishd's working directory.
const File = "ghost.json"

// Version of this contract that this build writes and reads.
const Version = "1.1.0"

// own is Version as numbers; a test keeps the two equal.
var own = contract.Version{Major: 1, Minor: 1, Patch: 0}

var codec = contract.Codec{File: File, Version: own}
