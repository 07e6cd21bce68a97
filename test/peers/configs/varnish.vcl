# Plain Varnish, with VCL as one writes it by hand.
vcl 4.1;

backend origin {
  .host = "{{.Origin.Addr}}";
  .port = "{{.Origin.Port}}";
  .first_byte_timeout = 300s;
}

sub vcl_recv {
{{range $i, $host := .Hosts}}  {{if $i}}} else {{end}}if (req.http.Host == "{{$host}}") {
    set req.backend_hint = origin;
{{end}}  } else {
    return (synth(404));
  }
{{if .Cache}}  return (hash);
{{else}}  return (pass);
{{end}}}
