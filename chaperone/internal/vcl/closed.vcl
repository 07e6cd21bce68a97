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
	return (synth(503, "VCL Does Not Compile"));
}

sub vcl_synth {
	ghost.synth();
	if (local.socket != "ghost-reload") {
		set resp.http.Content-Type = "text/plain; charset=utf-8";
		set resp.body = "503 " + resp.reason + {"
"};
	}
	return (deliver);
}
