# Plain Varnish, with VCL as one writes it by hand.
vcl 4.1;

import std;

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
  if (req.http.Cookie ~ "(^|; *)session=") {
    return (pass);
  }
  set req.http.X-Key = req.url;
  if (req.url ~ "[?&](utm_[^=&]*|gclid)=") {
    set req.http.X-Key = regsuball(req.url, "(?<=[?&])(utm_[^=&]*|gclid)=[^&]*&?", "");
    set req.http.X-Key = regsub(req.http.X-Key, "[?&]$", "");
  }
  set req.http.X-Key = std.querysort(req.http.X-Key);
  return (hash);
}

sub vcl_hash {
  hash_data(req.http.X-Key);
  hash_data(std.tolower(regsub(req.http.Host, ":[0-9]+$", "")));
  return (lookup);
}

sub vcl_backend_fetch {
  unset bereq.http.X-Key;
}

sub vcl_deliver {
  if (obj.hits > 0) {
    set resp.http.Cache-Status = "varnish; hit; ttl=" + std.integer(duration=obj.ttl, fallback=0);
  } elseif (obj.uncacheable) {
    set resp.http.Cache-Status = "varnish; fwd=miss";
  } else {
    set resp.http.Cache-Status = "varnish; fwd=uri-miss; stored";
  }
}
