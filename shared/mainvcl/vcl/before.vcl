sub vcl_hash {
	ghost.hash();
}

sub vcl_pass {
	ghost.pass();
	if (ghost.answer() != 0) {
		return (synth(ghost.answer()));
	}
}

sub vcl_pipe {
	ghost.pass();
}

sub vcl_miss {
	if (ghost.miss()) {
		return (synth(504));
	}
	if (ghost.answer() != 0) {
		return (synth(ghost.answer()));
	}
}

sub vcl_backend_response {
	ghost.backend_response();
}

sub vcl_deliver {
	if (ghost.stale()) {
		return (restart);
	}
}

sub vcl_synth {
	if (ghost.stale()) {
		return (restart);
	}
}
