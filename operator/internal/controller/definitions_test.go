package controller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

func TestDefinitionsThatAreServedLateAreNoticed(t *testing.T) {
	routes := gather.InstalledKind{Resource: "httproutes", Version: "v1", Generation: 1}
	without := gather.Installed{Kinds: []gather.InstalledKind{routes}}
	with := gather.Installed{Kinds: []gather.InstalledKind{routes, {Resource: "referencegrants", Version: "v1"}}}
	routes.Generation = 2
	newer := gather.Installed{Kinds: []gather.InstalledKind{routes}}
	away := errors.New("the API server is away")
	for name, c := range map[string]struct {
		// answers of the API server, one for each look; the last one stays.
		answers []gather.Installed
		errors  []error
		ends    bool
	}{
		"they are served at once":                 {[]gather.Installed{with}, nil, true},
		"they are served later":                   {[]gather.Installed{without, without, without, with}, nil, true},
		"one of them has another schema":          {[]gather.Installed{newer}, nil, true},
		"the API server is away for a long time":  {[]gather.Installed{with}, []error{away, away, away, away, away, away, away, away, away, away, away}, true},
		"what is needed is missing":               {[]gather.Installed{without}, []error{&gather.MissingError{Resources: []string{"gateways"}}}, true},
		"nothing changes that would concern us":   {[]gather.Installed{without}, nil, false},
		"nothing changes, and one answer is lost": {[]gather.Installed{without}, []error{away}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				looked := 0
				d := &definitions{changed: newSignal(), installed: without, log: zap.NewNop(), discover: func(context.Context) (gather.Installed, error) {
					look := looked
					looked++
					if look < len(c.errors) {
						return gather.Installed{}, c.errors[look]
					}
					return c.answers[min(look, len(c.answers)-1)], nil
				}}
				ended := make(chan error, 1)
				go func() { ended <- d.Start(ctx) }()
				d.changed.raise()
				time.Sleep(time.Hour)
				synctest.Wait()
				if c.ends {
					assert.ErrorIs(t, <-ended, ErrDefinitionsChanged)
				} else {
					assert.Empty(t, ended)
					assert.LessOrEqual(t, looked, looks+1, "nobody polls for ever")
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}
