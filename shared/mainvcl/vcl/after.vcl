sub vcl_hash {
	if (ghost.hash()) {
		return (lookup);
	}
}

sub vcl_backend_response {
	if (ghost.keeps_stale()) {
		if (bereq.is_bgfetch) {
			return (abandon);
		}
		return (error(beresp.status, beresp.reason));
	}
	if (ghost.store()) {
		return (deliver);
	}
}
