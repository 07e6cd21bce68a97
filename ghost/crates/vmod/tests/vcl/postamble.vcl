sub vcl_recv {
	if (ghost.answer() != 0) {
		return (synth(ghost.answer()));
	}
	// varnish-gateway cache lookup
	return (pass);
}

sub vcl_backend_fetch {
	return (fetch);
}

sub vcl_backend_error {
	return (deliver);
}

sub vcl_synth {
	if (ghost.answer() != 0) {
		return (deliver);
	}
}
