package translate

import "strings"

// httpProtocols are the values of appProtocol whose ports are spoken to in HTTP/1.1 without TLS, in
// lower case. Every other value names a protocol that is not spoken, and a backend must not be sent
// what it does not expect (GEP-1911). That holds for names of IANA's registry as for names with a
// prefix, be it Kubernetes' own (KEP-3726) or that of another implementation.
var httpProtocols = map[string]bool{
	// Names of HTTP in IANA's registry of services.
	"http": true, "http-alt": true, "www": true, "www-http": true,
	// Its name in TLS' registry of application protocols (RFC 7301), and how it is often written.
	"http/1.1": true, "http1": true, "http1.1": true,
	// gRPC-Web is carried by HTTP/1.1.
	"grpc-web": true,
	// This says nothing of what is carried.
	"tcp": true,
}

// speaksHTTP tells whether a port with this appProtocol, or none, is spoken to. Names of services
// are compared without regard to case (RFC 6335, section 5.1).
func speaksHTTP(appProtocol *string) bool {
	return appProtocol == nil || *appProtocol == "" || httpProtocols[strings.ToLower(*appProtocol)]
}
