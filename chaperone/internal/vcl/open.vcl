vcl 4.1;

import ghost;

backend gateway_none none;

sub vcl_init {
	ghost.init("ghost.json");
}

sub vcl_recv {
	if (local.socket == "ghost-reload") {
		return (synth(ghost.reload()));
	}
	ghost.recv();
	set req.backend_hint = ghost.backend();
	if (ghost.answer() != 0) {
		return (synth(ghost.answer()));
	}
	return (pass);
}

sub vcl_deliver {
	ghost.deliver();
}

sub vcl_synth {
	ghost.synth();
	return (deliver);
}

sub vcl_backend_error {
	ghost.backend_error();
	return (deliver);
}
