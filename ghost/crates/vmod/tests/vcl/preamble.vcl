// varnish-gateway main.vcl 1.3 sequence 7
// varnish-gateway passes Direct
// varnish-gateway part 40 3 FailClosed ConfigMap infra/cache-vcl, key main.vcl
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
}

sub vcl_deliver {
	ghost.deliver();
}

sub vcl_synth {
	ghost.synth();
	if (local.socket == "ghost-reload") {
		return (deliver);
	}
}

sub vcl_backend_error {
	ghost.backend_error();
}

// varnish-gateway cache before
