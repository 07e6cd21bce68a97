// Package corpus gives the cases of the contracts to the tests of every module. README.md says what
// a case is.
package corpus

import (
	"embed"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"path"
	"strings"
)

//go:embed routing ghost decisions endpoints
var files embed.FS

// File is a case that is one whole file of a contract.
type File struct {
	// Name of the case: its path in the corpus, without ".json".
	Name string
	Data []byte
}

// Invalid is a file with something wrong.
type Invalid struct {
	// Name of the case: its path in the corpus, without ".json".
	Name        string         `json:"-"`
	Description string         `json:"description"`
	File        jsontext.Value `json:"file"`
	Text        string         `json:"text"`
	Expect      struct {
		// Refused says that the whole file is.
		Refused bool `json:"refused"`
		// Problems are the paths of the inert records; without order.
		Problems []string `json:"problems"`
	} `json:"expect"`
}

// Data is the file at issue.
func (i Invalid) Data() []byte {
	if i.Text != "" {
		return []byte(i.Text)
	}
	return i.File
}

// Decisions is a ghost.json with requests and what becomes of them.
type Decisions struct {
	// Name of the file: its path in the corpus, without ".json".
	Name        string         `json:"-"`
	Description string         `json:"description"`
	Config      jsontext.Value `json:"config"`
	Cases       []Case         `json:"cases"`
}

// Case is a request and what becomes of it.
type Case struct {
	// Name is a sentence.
	Name    string  `json:"name"`
	Request Request `json:"request"`
	// Response is a backend's answer, for cases of response filters.
	Response []Header `json:"response"`
	Expect   Expect   `json:"expect"`
}

// Header is a header line: name and value.
type Header [2]string

// Request is what routing looks at.
type Request struct {
	Socket  string   `json:"socket"`
	Host    string   `json:"host"`
	Method  string   `json:"method"`
	Target  string   `json:"target"`
	Headers []Header `json:"headers"`
}

// Expect is what becomes of a request; README.md says what is compared.
type Expect struct {
	Listener string          `json:"listener"`
	Route    string          `json:"route"`
	Rule     string          `json:"rule"`
	Match    *int            `json:"match"`
	Status   int             `json:"status"`
	Location string          `json:"location"`
	Backends []ExpectBackend `json:"backends"`
}

// ExpectBackend is one backend that a request may go to.
type ExpectBackend struct {
	Service  string          `json:"service"`
	Weight   int32           `json:"weight"`
	Status   int             `json:"status"`
	Location string          `json:"location"`
	Upstream *ExpectUpstream `json:"upstream"`
	Response []Header        `json:"response"`
}

// ExpectUpstream is what a backend is sent; absent members are not compared.
type ExpectUpstream struct {
	Method  *string   `json:"method"`
	Host    *string   `json:"host"`
	Target  *string   `json:"target"`
	Headers *[]Header `json:"headers"`
}

// Endpoints are EndpointSlices, and what serves a port of a Service by them.
type Endpoints struct {
	// Name of the file: its path in the corpus, without ".json".
	Name        string `json:"-"`
	Description string `json:"description"`
	// Slices as Kubernetes writes them (discovery.k8s.io/v1).
	Slices []jsontext.Value `json:"slices"`
	Cases  []EndpointsCase  `json:"cases"`
}

// EndpointsCase is a port of a Service, and what serves it.
type EndpointsCase struct {
	// Name is a sentence.
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	// Port is the name of the Service's port.
	Port string `json:"port"`
	// Expect are the addresses with their ports, in order.
	Expect []string `json:"expect"`
}

// AllEndpoints gives every file of EndpointSlices.
func AllEndpoints() ([]Endpoints, error) {
	return parse("endpoints", func(endpoints *Endpoints, name string) { endpoints.Name = name })
}

// Valid gives the sound files of a contract: "routing" or "ghost".
func Valid(contract string) ([]File, error) {
	return read(path.Join(contract, "valid"))
}

// InvalidFiles gives the files of a contract with something wrong.
func InvalidFiles(contract string) ([]Invalid, error) {
	return parse(path.Join(contract, "invalid"), func(invalid *Invalid, name string) { invalid.Name = name })
}

// AllDecisions gives every file of decisions.
func AllDecisions() ([]Decisions, error) {
	return parse("decisions", func(decisions *Decisions, name string) { decisions.Name = name })
}

func parse[T any](dir string, setName func(*T, string)) ([]T, error) {
	files, err := read(dir)
	if err != nil {
		return nil, err
	}
	parsed := make([]T, len(files))
	for i, file := range files {
		// A misspelt member would be a case that checks nothing.
		if err := json.Unmarshal(file.Data, &parsed[i], json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("parse case %s: %w", file.Name, err)
		}
		setName(&parsed[i], file.Name)
	}
	return parsed, nil
}

func read(dir string) ([]File, error) {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list corpus: %w", err)
	}
	var found []File
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read corpus: %w", err)
		}
		found = append(found, File{Name: strings.TrimSuffix(name, ".json"), Data: data})
	}
	return found, nil
}
