// Package translate turns Gateway API objects into the model of each Gateway and the status of each
// object. It is pure: equal inputs give equal results, and nothing is read or written beside them.
//
// Each file holds one idea. Gateways are looked at first (classes, parameters, listeners, certificates),
// then every route is translated once, whatever Gateways it attaches to (matches, filters, backend
// references), and then attached to listeners.
package translate
