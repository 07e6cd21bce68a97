package programming

// ShardVersion is a shard as it was last seen with the right content. Its bytes are not kept.
type ShardVersion struct {
	// ResourceVersion of the ConfigMap, Digest of the content.
	ResourceVersion, Digest string
}

// Shard is the version of a shard that was last seen to be right; zero where none was.
func (g *Gateway) Shard(name string) ShardVersion {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shards[name]
}

// SetShard says that a shard was seen to be right.
func (g *Gateway) SetShard(name string, version ShardVersion) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shards[name] = version
}
