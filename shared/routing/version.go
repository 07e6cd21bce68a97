package routing

import "github.com/varnish-gateway/gateway/shared/contract"

// File is the name of this contract, and of its key in the Gateway's ConfigMap.
const File = "routing.json"

// ShardFile is the key of a shard in its own ConfigMap.
const ShardFile = "routes.json"

// Version of this contract that this build writes and reads.
const Version = "1.1.0"

// own is Version as numbers; a test keeps the two equal.
var own = contract.Version{Major: 1, Minor: 1, Patch: 0}

var (
	headCodec  = contract.Codec{File: File, Version: own}
	shardCodec = contract.Codec{File: ShardFile, Version: own}
)

// Diagnostic tells of one record that a reader could not use as it stands.
type Diagnostic = contract.Diagnostic
