// Package render writes the model of a Gateway as the files of the contract: routing.json with its shards,
// and main.vcl. Equal models give equal bytes.
package render
