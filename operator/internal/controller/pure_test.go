package controller

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/programming"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

var edge = types.NamespacedName{Namespace: "shop", Name: "edge"}

func TestTheFirstChangeGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, started := newSignal(), time.Now()
		s.raise()
		require.NoError(t, s.await(t.Context(), started.Add(-time.Hour)))
		assert.Zero(t, time.Since(started))
	})
}

func TestChangesThatFollowWaitForAQuietMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, started := newSignal(), time.Now()
		go func() {
			for range 5 {
				s.raise()
				time.Sleep(quietPeriod / 2)
			}
		}()
		require.NoError(t, s.await(t.Context(), started))
		assert.Equal(t, 4*quietPeriod/2+quietPeriod, time.Since(started))
	})
}

func TestConstantChangeCannotHoldTranslationBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, started := newSignal(), time.Now()
		var changes sync.WaitGroup
		changes.Go(func() {
			for ctx.Err() == nil {
				s.raise()
				time.Sleep(quietPeriod / 2)
			}
		})
		require.NoError(t, s.await(ctx, started))
		assert.Equal(t, longestWait, time.Since(started))
		cancel()
		changes.Wait()
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, newSignal().await(ctx, time.Now()), context.Canceled)
}

func snapshot(in inputs.Inputs) *Snapshot { return snapshotOf(in, translate.Translate(in)) }

func clusterOf(gateways ...*gatewayv1.Gateway) inputs.Inputs {
	return inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways:       gateways,
		HTTPRoutes: []*gatewayv1.HTTPRoute{
			gatewaytest.HTTPRoute("shop", "r", edge, []gatewayv1.HTTPRouteRule{gatewaytest.Rule("/", "web", 80)}),
		},
	}
}

func TestOnlyWhatASnapshotChangesIsAskedFor(t *testing.T) {
	http := []gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)}
	gateways := func() inputs.Inputs {
		return clusterOf(gatewaytest.Gateway("shop", "edge", http), gatewaytest.Gateway("shop", "other", http))
	}
	route := attachedKey{"HTTPRoute", types.NamespacedName{Namespace: "shop", Name: "r"}}
	first := snapshot(gateways())
	all := first.since(nil)
	assert.Len(t, all.classes, 1)
	assert.Len(t, all.gateways, 2)
	assert.Len(t, all.attached, 1)

	assert.Equal(t, difference{}, snapshot(gateways()).since(first), "the same objects change nothing")

	more := gateways()
	more.Services = append(more.Services, gatewaytest.Service("shop", "web", 80))
	changed := snapshot(more).since(first)
	assert.Empty(t, changed.classes)
	assert.Equal(t, []types.NamespacedName{edge}, changed.gateways, "the other Gateway has no route to it")
	assert.Equal(t, []attachedKey{route}, changed.attached)

	again := gateways()
	again.HTTPRoutes[0].UID = "of the one that was made anew"
	assert.Equal(t, []attachedKey{route}, snapshot(again).since(first).attached,
		"a route that was made anew has no status yet, whatever is to be told of it")

	gone := snapshot(clusterOf()).since(first)
	assert.Len(t, gone.gateways, 2, "what is gone has changed")
	assert.Len(t, gone.attached, 1)
}

func TestAStatusStandsWhileAPodIsSilent(t *testing.T) {
	unknown := report.DataPlane{Status: metav1.ConditionUnknown, Reason: gatewayv1.GatewayReasonPending, Message: "Pod a has not said yet what it runs."}
	said := func(status metav1.ConditionStatus, reason gatewayv1.GatewayConditionReason, generation int64) *gatewayv1.Gateway {
		return gatewaytest.Gateway("shop", "edge", nil, func(g *gatewayv1.Gateway) {
			g.Status.Conditions = []metav1.Condition{{
				Type: string(gatewayv1.GatewayConditionProgrammed), Status: status, Reason: string(reason), ObservedGeneration: generation,
				Message: "As it was.",
			}}
		})
	}
	programmed, refused := said("True", gatewayv1.GatewayReasonProgrammed, 1), said("False", gatewayv1.GatewayReasonInvalid, 1)
	first, second := dataplane.Wanted{Routing: numbered(3), VCL: numbered(1)}, dataplane.Wanted{Routing: numbered(3), VCL: numbered(2)}
	checking := dataplane.Wanted{Routing: numbered(3), VCL: numbered(1), Check: dataplane.Check{State: dataplane.Checking}}
	for name, c := range map[string]struct {
		last   *dataplane.Wanted
		live   *gatewayv1.Gateway
		want   dataplane.Wanted
		stands bool
	}{
		"after a restart, it was programmed":                     {nil, programmed, first, true},
		"after a restart, it was not programmed":                 {nil, refused, first, true},
		"after a restart, VCL was refused and is checked again":  {nil, refused, checking, true},
		"after a restart, it was programmed and the VCL is new":  {nil, programmed, checking, false},
		"after a restart, another generation was programmed":     {nil, said("True", gatewayv1.GatewayReasonProgrammed, 0), first, false},
		"after a restart, another generation was not programmed": {nil, said("False", gatewayv1.GatewayReasonInvalid, 0), first, false},
		"it is new":                                                {nil, gatewaytest.Gateway("shop", "edge", nil), first, false},
		"it was programmed, and a pod is new":                      {&first, programmed, first, true},
		"it was programmed, and other VCL is published":            {&first, programmed, second, false},
		"it was programmed, and other VCL is checked":              {&first, programmed, checking, false},
		"it was not programmed, which may have changed since then": {&first, refused, first, false},
	} {
		t.Run(name, func(t *testing.T) {
			state := programming.NewStore(t.Context(), programming.Options{Log: zap.NewNop()}).Gateway(edge, "uid")
			if c.last != nil {
				established(c.live, state, *c.last, report.DataPlane{Status: metav1.ConditionTrue})
			}
			got := established(c.live, state, c.want, unknown)
			if !c.stands {
				assert.Equal(t, report.DataPlane{Status: metav1.ConditionFalse, Reason: unknown.Reason, Message: unknown.Message}, got)
				return
			}
			assert.Equal(t, report.Standing(&c.live.Status), got)
		})
	}
}

func TestAStatusEndsWithNewVCLAndWithWhatPodsSay(t *testing.T) {
	live := gatewaytest.Gateway("shop", "edge", nil, func(g *gatewayv1.Gateway) {
		g.Status.Conditions = []metav1.Condition{{Type: string(gatewayv1.GatewayConditionProgrammed), Status: "True", ObservedGeneration: 1}}
	})
	unknown := report.DataPlane{Status: metav1.ConditionUnknown}
	store, want := states{programming.NewStore(t.Context(), programming.Options{Log: zap.NewNop()})}, dataplane.Wanted{Routing: numbered(1), VCL: numbered(1)}
	state := store.of(live)
	assert.Equal(t, metav1.ConditionTrue, established(live, state, want, unknown).Status)
	assert.Equal(t, metav1.ConditionFalse, established(live, state, want, report.DataPlane{Status: "False"}).Status, "pods say otherwise")
	store.Forget(edge)
	state = store.of(live)
	state.Revised()
	assert.Equal(t, metav1.ConditionFalse, established(live, state, want, unknown).Status, "this operator has published other VCL")
}

func TestThatAGatewayIsProgrammedIsNotTakenBackInANormalChange(t *testing.T) {
	live := gatewaytest.Gateway("shop", "edge", nil, func(g *gatewayv1.Gateway) {
		g.Generation = 2
		g.Status.Conditions = []metav1.Condition{{Type: string(gatewayv1.GatewayConditionProgrammed), Status: "True", ObservedGeneration: 1}}
	})
	fresh := gatewaytest.Gateway("shop", "edge", nil)
	behind := report.DataPlane{Status: metav1.ConditionFalse, Lags: true}
	for name, c := range map[string]struct {
		live  *gatewayv1.Gateway
		plane report.DataPlane
		holds bool
	}{
		"pods have yet to take what has changed": {live, behind, true},
		"a pod that has not been heard":          {live, report.DataPlane{Status: metav1.ConditionUnknown, Lags: true}, true},
		"a port that pods have yet to open":      {live, report.DataPlane{Status: metav1.ConditionFalse, Closed: map[int32]string{80: "no"}}, true},
		"pods refuse what has changed":           {live, report.DataPlane{Status: metav1.ConditionFalse}, false},
		"VCL that nobody can check":              {live, report.DataPlane{Status: metav1.ConditionUnknown}, false},
		"the Gateway was not programmed before":  {fresh, behind, false},
		"all run it":                             {live, report.DataPlane{Status: metav1.ConditionTrue}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				state := programming.NewStore(t.Context(), programming.Options{
					Log: zap.NewNop(), Changed: func(types.NamespacedName) {},
				}).Gateway(edge, "uid")
				tell := func() bool { return established(c.live, state, dataplane.Wanted{}, c.plane).Before != nil }
				assert.Equal(t, c.holds, tell())
				time.Sleep(programming.SettleWithin)
				assert.Equal(t, c.holds && !c.plane.Lags, tell(), "what lasts is told, but for a port that opens with new pods")
			})
		})
	}
}

// numbered is what is known by its sequence alone.
func numbered(sequence int64) dataplane.Revisions {
	return dataplane.Revisions{Newest: sequence, Since: sequence}
}
