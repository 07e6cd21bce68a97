package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/programming"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// states is what is known of the programming of all Gateways.
type states struct{ *programming.Store }

// of is what is known of one Gateway.
func (s states) of(gateway *gatewayv1.Gateway) *programming.Gateway {
	return s.Gateway(client.ObjectKeyFromObject(gateway), gateway.UID)
}

// errLater says that an operator which has just started must first find out what is published, or who can be asked: until
// then, nothing is said that might take back what is true.
var errLater = errors.New("it is not known yet what is published, or what the pods run")

// programmed tells what it means for a Gateway what its pods run.
func (r *gatewayReconciler) programmed(ctx context.Context, g *Gateway, state *programming.Gateway, w workload.Gateway, want dataplane.Wanted, observations []dataplane.Observation) (report.DataPlane, error) {
	config, err := r.config(ctx, w)
	if err != nil {
		return report.DataPlane{}, err
	}
	listeners, err := listenersOf(g.Model)
	if err != nil {
		return report.DataPlane{}, err
	}
	published := state.Routing(listeners)
	switch published.State {
	case programming.RoutingUnknown:
		if config != nil && config.Data[routing.File] != "" {
			return report.DataPlane{}, errLater
		}
		before, err := r.former.data(ctx, w, routing.File)
		if err != nil {
			return report.DataPlane{}, err
		}
		if before != nil {
			return report.DataPlane{}, errLater
		}
		return pending("The listeners are not published yet."), nil
	case programming.RoutingPending:
		unpublished := pending("The listeners are not published yet.")
		unpublished.Lags = true
		return established(w.Object, state, want, unpublished), nil
	case programming.RoutingFailed:
		return pending("The routes cannot be published: " + strings.TrimSuffix(inOneLine(published.Failure), ".") + "."), nil
	}
	want.Routing = published.Revisions
	return established(w.Object, state, want, dataplane.Programmed(want, observations)), nil
}

func pending(message string) report.DataPlane {
	return report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonPending, Message: message}
}

// established is what to tell of a Gateway. That it is programmed is not taken back because pods have yet to take what has just
// changed, or to be heard: the condition goes on telling of the generation that they run. It is taken back where they take long, and
// where something keeps them from it.
func established(live *gatewayv1.Gateway, state *programming.Gateway, want dataplane.Wanted, plane report.DataPlane) report.DataPlane {
	before := meta.FindStatusCondition(live.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed))
	programmed := before != nil && before.Status == metav1.ConditionTrue
	if plane.Status == metav1.ConditionUnknown {
		if before != nil && before.ObservedGeneration == live.Generation && state.Stands(want, programmed) {
			return report.Standing(&live.Status)
		}
		plane.Status = metav1.ConditionFalse
	} else if !plane.Lags {
		state.Settled()
		state.Reported(want)
	}
	switch {
	case len(plane.Closed) > 0:
		plane.Before = &live.Status
	case !plane.Lags:
	case programmed && state.Lags():
		plane.Before = &live.Status
	default:
		state.Reported(want)
	}
	return plane
}

// listenersOf is the part of routing.json that a Gateway itself decides, in an encoding that is the same for the same listeners.
func listenersOf(g *model.Gateway) ([]byte, error) {
	data, err := json.Marshal(struct {
		Listeners []routing.Listener
		Settings  routing.Settings
	}{g.Listeners, g.Settings})
	if err != nil {
		return nil, fmt.Errorf("encode the listeners of Gateway %s/%s: %w", g.Gateway.Namespace, g.Gateway.Name, err)
	}
	return data, nil
}
