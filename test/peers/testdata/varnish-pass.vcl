# Plain Varnish, with VCL as one writes it by hand.
vcl 4.1;

backend origin {
  .host = "127.0.0.1";
  .port = "17000";
  .first_byte_timeout = 300s;
}

sub vcl_recv {
  if (req.http.Host == "route-0.example") {
    set req.backend_hint = origin;
  } else if (req.http.Host == "route-1.example") {
    set req.backend_hint = origin;
  } else {
    return (synth(404));
  }
  return (pass);
}
