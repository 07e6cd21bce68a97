// Package featuretest shows what translation makes of manifests: one file for each feature, with what goes
// in and, behind it in the same file, what comes out.
//
// A file in testdata begins with comment lines that say what it is about. Then come one or more steps, each
// with manifests and what is expected of them:
//
//	# show: status, routing
//	# === the grant is there
//	<manifests>
//	# --- gives
//	<expected output>
//	# === the grant is gone
//	# delete: ReferenceGrant web/certificates
//	# --- gives
//	<expected output>
//
// Manifests are read as an API server would take them, on top of _defaults.yaml, and a later step stands on
// the earlier ones. What may be shown is status (the default), class (the status of GatewayClasses),
// routing, vcl, sockets and generation. In manifests, {{certificate}} and {{key}} stand for a key pair made for the test,
// and {{long N}} for a name of N characters.
//
// go test -run 'TestFeatures/NAME' runs one file; with -update, the expected output is written anew.
package featuretest
